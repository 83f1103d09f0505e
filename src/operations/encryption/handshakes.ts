import { finish, type NodeShell } from '../../process/node-shell.ts';
import { canShakeHands, type EncryptionNode, isPublished, peerOf } from './convergence.ts';

/** One datagram through the tunnel makes two peers shake hands. */
const SEND = 'while read -r address; do printf . > "/dev/udp/$address/9"; done';

/**
 * Makes those pairs of nodes shake hands that are ready on both ends and have not yet. Only one of a pair sends: handshakes that cross
 * delay each other.
 */
export async function provokeHandshakes(shell: NodeShell, nodes: readonly EncryptionNode[]): Promise<void> {
  const ready = new Set(nodes.filter((node) => canShakeHands(node, nodes)));
  await Promise.all(
    nodes.map(async (node, i) => {
      if (node.unprobed !== undefined || !ready.has(node)) return;
      const waiting = nodes.filter((other, j) => {
        // A node that cannot be asked to send is sent to by all others.
        if (j === i || (j < i && other.unprobed === undefined)) return false;
        return isPublished(other) && ready.has(other) && peerOf(node, other)?.latestHandshake === 0;
      });
      const addresses = waiting.map(({ wireguardAddress }) => `${wireguardAddress}\n`).join('');
      if (addresses) await finish(await shell(node.name, ['bash', '-c', SEND]), addresses);
    }),
  );
}
