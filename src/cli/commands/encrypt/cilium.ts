import { type AgentEncryption, statusLine } from '../../../cni/cilium/agent-status.ts';
import { type CiliumStatusNode, expectedKeys } from '../../../cni/cilium/convergence.ts';
import type { Encryption } from '../../../cni/cilium/dataplane/types.ts';
import type { CiliumState } from '../../../cni/cilium/state.ts';
import { rotateKey, switchCommands, switchEncryption } from '../../../cni/cilium/switch.ts';
import type { Cluster } from '../../../kube/cluster.ts';
import type { NodeShell } from '../../../process/node-shell.ts';
import { table } from '../../../text/table.ts';
import type { Context } from '../../context.ts';
import { latestHandshake } from './handshake-text.ts';

const NAMES = { none: 'Encryption', wireguard: 'WireGuard', ipsec: 'IPsec' } as const;

/** Turns Cilium's encryption on or off, or rotates its key, and says what was done. */
export async function changeCilium(
  { err, errPalette, progress, signal }: Context,
  cluster: Cluster,
  shell: NodeShell,
  what: 'on' | 'off' | 'rotate',
  type: Exclude<Encryption, 'none'>,
): Promise<CiliumState> {
  const encryption = what === 'off' ? 'none' : type;
  const change = {
    signal,
    update: (text: string) => progress.update(text),
    info: (text: string) => progress.info(text),
  };
  if (what !== 'rotate') {
    for (const command of switchCommands(encryption)) progress.info(`The same by hand: ${errPalette.bold(command)}`);
    progress.info(
      'agents read their settings when they start: until all have, traffic is lost one way and plaintext the other',
    );
  }
  progress.step(
    what === 'rotate'
      ? 'Rotating the key of IPsec'
      : what === 'on'
        ? `Turning ${NAMES[type]} on`
        : 'Turning encryption off',
  );
  const work =
    what === 'rotate' ? rotateKey(cluster, shell, change) : switchEncryption(cluster, shell, encryption, change);
  const state = await work.catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done(doneText(what, type, state));
  const claim = what === 'off' ? 'plaintext' : 'encrypted';
  err.write(`Next: ${errPalette.bold(`wglab verify --expect ${claim}`)}\n`);
  return state;
}

function doneText(what: 'on' | 'off' | 'rotate', type: 'wireguard' | 'ipsec', { nodes }: CiliumState): string {
  if (what === 'off') return 'Encryption is off on every node';
  if (type === 'wireguard' && what === 'on') return 'WireGuard is on: every node has a handshake with every other';
  const id = nodes[0]?.keyId ?? 0;
  const verb = what === 'rotate' ? 'Every node publishes' : 'IPsec is on: every node has the states of';
  return `${verb} key ${id}${what === 'rotate' ? '; states of the old one go after ipsec-key-rotation-duration' : ''}`;
}

/** The table of `encrypt status` and `status`, and the lines of Cilium's own agents. */
export function ciliumText({ encryption, nodes, waitingFor }: CiliumState): string {
  const lines = nodes.flatMap(({ name, agent }) => (agent ? [`${name}: ${statusLine(agent)}`] : []));
  return [
    head(encryption, nodes),
    encryption === 'ipsec' ? ipsecTable(nodes) : wireguardTable(nodes),
    ...nodes.flatMap(({ name, problem }) => (problem === undefined ? [] : [`no answer: ${name}: ${problem}`])),
    ...waitingFor.map((line) => `waiting for ${line}`),
    '',
    'What the agents say (cilium-dbg status):',
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}

function head(encryption: Encryption, nodes: readonly CiliumStatusNode[]): string {
  if (encryption === 'none') return 'Cilium: encryption is off';
  if (encryption === 'ipsec')
    return `Cilium: IPsec is on (ESP between the nodes, ${expectedKeys(nodes.length)} states a node)`;
  const device = nodes.find(({ agent }) => agent?.wireguard)?.agent?.wireguard;
  return `Cilium: WireGuard is on (${device?.interface ?? 'cilium_wg0'}, UDP ${device?.port ?? 51_871})`;
}

function wireguardTable(nodes: readonly CiliumStatusNode[]): string {
  const rows = nodes.map(({ name, publicKey, agent }) => [
    name,
    publicKey ?? '-',
    agent?.wireguard ? String(agent.wireguard.peerCount) : '-',
    agent?.wireguard ? latestHandshake(agent.wireguard.peers.map((peer) => peer.latestHandshake)) : '-',
  ]);
  return table(['NODE', 'PUBLIC KEY', 'PEERS', 'OLDEST HANDSHAKE'], rows);
}

function ipsecTable(nodes: readonly CiliumStatusNode[]): string {
  const rows = nodes.map(({ name, keyId, agent }) => [name, keyId === 0 ? '-' : String(keyId), ...ipsecCells(agent)]);
  return table(['NODE', 'KEY ID', 'KEYS IN USE', 'MAX SEQUENCE', 'ERRORS'], rows);
}

function ipsecCells(agent: AgentEncryption | undefined): string[] {
  if (!agent?.ipsec) return ['-', '-', '-'];
  const { keysInUse, maxSequence, errors } = agent.ipsec;
  return [
    String(keysInUse),
    maxSequence === 'N/A' ? 'N/A: nothing encrypted yet' : maxSequence.replace(/\/.*/, ''),
    String(errors),
  ];
}
