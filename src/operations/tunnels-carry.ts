import { setTimeout as delay } from 'node:timers/promises';
import { wireguardDevice } from '../cni/calico/keys.ts';
import { labFailure } from '../errors.ts';
import { finish, type NodeShell } from '../process/node-shell.ts';
import type { EncryptionNode } from './encrypt.ts';

/** A peer that heard nothing tries to shake hands every 5 s (WireGuard's REKEY_TIMEOUT); 3 nodes, and a busy machine. */
const CARRY_MS = 60_000;

/** One datagram through the tunnel to each address. */
const SEND = 'while read -r address; do printf . > "/dev/udp/$address/9"; done';

/**
 * Resolves when every node hears every other through its tunnel: after a fault, peers may first have to find out that their
 * session is none any more. Throws Failure 5 if they do not.
 */
export async function untilTunnelsCarry(
  shell: NodeShell,
  nodes: readonly EncryptionNode[],
  device: string,
  signal: AbortSignal,
): Promise<void> {
  const probed = nodes.filter(({ unprobed }) => unprobed === undefined);
  const heard = async () => {
    const devices = await Promise.all(probed.map(({ name }) => wireguardDevice(shell, name, device)));
    const counts = probed.flatMap((node, i) =>
      probed.flatMap((other) => {
        const peer = devices[i]?.peers.find(({ publicKey }) => publicKey === other.publicKey);
        return peer ? [[`${other.name} to ${node.name}`, peer.rx] as const] : [];
      }),
    );
    return new Map(counts);
  };
  const before = await heard();
  const deadline = Date.now() + CARRY_MS;
  for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
    signal.throwIfAborted();
    await Promise.all(
      probed.map(async ({ name }) => {
        const addresses = probed.filter((other) => other.name !== name).map(({ wireguardAddress }) => wireguardAddress);
        await finish(await shell(name, ['bash', '-c', SEND]), addresses.map((address) => `${address}\n`).join(''));
      }),
    );
    const now = await heard();
    const silent = [...before].filter(([pair, count]) => (now.get(pair) ?? 0) <= count).map(([pair]) => pair);
    if (silent.length === 0) return;
    if (Date.now() > deadline) {
      throw labFailure(`the tunnel carries nothing from ${silent[0]}`, { remedy: 'wglab diagnose' });
    }
    await delay(pause, undefined, { signal });
  }
}
