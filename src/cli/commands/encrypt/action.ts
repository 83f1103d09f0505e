import { isDualStack, patchCommands } from '../../../cni/calico/keys.ts';
import { ciliumState, hasCilium } from '../../../cni/cilium/state.ts';
import { lackingFailure, usageFailure } from '../../../errors.ts';
import { Cluster } from '../../../kube/cluster.ts';
import { type Encryption, encryption, setEncryption } from '../../../operations/encrypt.ts';
import { standingLab } from '../../../operations/labs.ts';
import type { NodeShell } from '../../../process/node-shell.ts';
import { table } from '../../../text/table.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';
import { changeCilium, ciliumText } from './cilium.ts';
import { latestHandshake } from './handshake-text.ts';

type What = 'on' | 'off' | 'status' | 'rotate';

export async function encryptCommand(
  context: Context,
  what: What,
  lab: string | undefined,
  options: { lab?: string; heal: boolean; type?: 'wireguard' | 'ipsec'; output?: 'json' },
) {
  const { access, state } = await standingLab(chosenLab(lab, options.lab));
  const cluster = Cluster.connect(access.kubeconfig);
  const { type = 'wireguard' } = options;
  if (await hasCilium(cluster)) {
    const result =
      what === 'status' ? await ciliumState(cluster) : await changeCilium(context, cluster, access.shell, what, type);
    if (options.output) printJson(context, { lab: state.name, cni: 'cilium', ...result });
    else if (what === 'status') context.out.write(`${ciliumText(result)}\n`);
    return undefined;
  }
  if (type === 'ipsec') {
    throw lackingFailure('Calico has no IPsec', { remedy: 'wglab encrypt on turns WireGuard on; Cilium has both' });
  }
  if (what === 'rotate') {
    throw usageFailure('WireGuard rotates the keys of its sessions by itself, every two minutes', {
      remedy: 'wglab encrypt off, and on again, gives every node a new key of its own.',
    });
  }
  const result =
    what === 'status'
      ? await encryption(cluster, access.shell)
      : await change(context, cluster, access.shell, what === 'on', options.heal);
  if (options.output) printJson(context, { lab: state.name, ...result });
  else if (what === 'status') context.out.write(`${encryptionText(result)}\n`);
  return undefined;
}

async function change(context: Context, cluster: Cluster, shell: NodeShell, on: boolean, heal: boolean) {
  const { err, errPalette, progress, signal } = context;
  const dualStack = isDualStack(await cluster.nodes());
  for (const command of patchCommands(on, dualStack)) progress.info(`The same by hand: ${errPalette.bold(command)}`);
  progress.step(on ? 'Turning WireGuard on' : 'Turning WireGuard off');
  const update = (text: string) => progress.update(text);
  const info = (text: string) => progress.info(text);
  const result = await setEncryption(cluster, shell, on, { signal, update, info, heal }).catch((error) => {
    progress.failed();
    throw error;
  });
  const families = dualStack ? ', for IPv4 and for IPv6' : '';
  progress.done(
    on
      ? `WireGuard is on: every node has a handshake with every other${families}`
      : `WireGuard is off on every node${families}`,
  );
  err.write(`Next: ${errPalette.bold(`wglab verify --expect ${on ? 'encrypted' : 'plaintext'}`)}\n`);
  return result;
}

/** The tables of `encrypt status` and `status`. */
export function encryptionText({ ipv6, ...ipv4 }: Encryption): string {
  if (!ipv6) return familyText('WireGuard', ipv4);
  return `${familyText('WireGuard for IPv4', ipv4)}\n\n${familyText('WireGuard for IPv6', ipv6)}`;
}

function familyText(what: string, part: Omit<Encryption, 'ipv6'>): string {
  const { enabled, nodes, waitingFor, port, interface: device } = part;
  const head = enabled ? `${what} is on (${device}, UDP ${port})` : `${what} is off`;
  const rows = nodes.map((node) => [
    node.name,
    node.publicKey ?? '-',
    node.wireguardAddress ?? '-',
    node.device ? String(node.device.peers.length) : '-',
    node.device ? latestHandshake(node.device.peers.map(({ latestHandshake: time }) => time)) : '-',
  ]);
  const waiting = waitingFor.map((line) => `waiting for ${line}`);
  const unprobed = nodes.flatMap((node) => (node.unprobed ? [`not probed: ${node.name}: ${node.unprobed}`] : []));
  const columns = ['NODE', 'PUBLIC KEY', 'TUNNEL ADDRESS', 'PEERS', 'OLDEST HANDSHAKE'];
  return [head, table(columns, rows), ...unprobed, ...waiting].join('\n');
}
