import { setTimeout as delay } from 'node:timers/promises';
import {
  type CalicoNode,
  calicoNode,
  felixWireguard,
  patchFelix,
  type WireguardDevice,
  wireguardDevice,
} from '../cni/calico.ts';
import { finish, type NodeShell, UnprobedNode } from '../engine/run.ts';
import { labFailure } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';

/** Calico's own tests give a change 120 s on kind; a standing cluster's Felix restarts in between. */
const CONVERGED_MS = 120_000;

export interface EncryptionNode extends CalicoNode {
  device?: WireguardDevice;
  /** Why the node could not be asked for its device; what it publishes is known all the same. */
  unprobed?: string;
}

export interface Encryption {
  enabled: boolean;
  interface: string;
  port: number;
  nodes: EncryptionNode[];
  /** What is not yet as asked, a line each; empty once all nodes have converged. */
  waitingFor: string[];
}

/**
 * How encryption stands on every node, and what is missing for it to be in force, or gone. Nodes in `known` are not asked for
 * their devices again.
 */
export async function encryption(
  cluster: Cluster,
  shell: NodeShell,
  known: ReadonlyMap<string, EncryptionNode> = new Map(),
): Promise<Encryption> {
  const [felix, kubeNodes] = await Promise.all([felixWireguard(cluster), cluster.nodes()]);
  const nodes = await Promise.all(
    kubeNodes.map(calicoNode).map(async (node): Promise<EncryptionNode> => {
      const before = known.get(node.name);
      if (before) return { ...before, ...node };
      return { ...node, ...(await deviceOf(shell, node.name, felix.interface)) };
    }),
  );
  const waitingFor = nodes.flatMap((node) => missing(felix.enabled, node, nodes));
  return { ...felix, nodes, waitingFor };
}

async function deviceOf(
  shell: NodeShell,
  node: string,
  name: string,
): Promise<Pick<EncryptionNode, 'device' | 'unprobed'>> {
  try {
    const device = await wireguardDevice(shell, node, name);
    return device ? { device } : {};
  } catch (error) {
    if (error instanceof UnprobedNode) return { unprobed: error.reason };
    throw error;
  }
}

/** What is not yet as asked on one node. */
function missing(enabled: boolean, node: EncryptionNode, nodes: readonly EncryptionNode[]): string[] {
  return enabled ? missingOn(node, nodes) : leftOn(node);
}

/** Turns encryption on or off and resolves once every node has converged. Throws Failure 5 naming what did not come. */
export async function setEncryption(
  cluster: Cluster,
  shell: NodeShell,
  enabled: boolean,
  update: (waitingFor: string) => void,
  signal: AbortSignal,
): Promise<Encryption> {
  await patchFelix(cluster, enabled);
  const deadline = Date.now() + CONVERGED_MS;
  let pause = 20;
  let warmed = false;
  let done = new Map<string, EncryptionNode>();
  for (;;) {
    signal.throwIfAborted();
    let now = await encryption(cluster, shell, done);
    // The answer that counts is one of all nodes at the same time.
    if (now.waitingFor.length === 0 && done.size > 0) now = await encryption(cluster, shell);
    const { nodes } = now;
    done = new Map(nodes.filter((node) => missing(enabled, node, nodes).length === 0).map((node) => [node.name, node]));
    const onlyHandshakes = now.waitingFor.every((what) => what.endsWith(HANDSHAKE));
    if (now.waitingFor.length === 0) return now;
    if (Date.now() > deadline) {
      throw labFailure(`encryption did not turn ${enabled ? 'on' : 'off'} everywhere within ${CONVERGED_MS / 1000} s`, {
        detail: now.waitingFor.join('\n'),
        remedy: 'wglab status shows each node; kubectl logs and wglab exec NODE -- wg show help to find out why',
      });
    }
    update(
      `waiting, at most ${CONVERGED_MS / 1000} s, for ${now.waitingFor[0]}${now.waitingFor.length > 1 ? ` and ${now.waitingFor.length - 1} more` : ''}`,
    );
    if (enabled && onlyHandshakes) {
      await warmUp(shell, now.nodes);
      if (!warmed) pause = 20;
      warmed = true;
    }
    await delay(pause, undefined, { signal });
    pause = Math.min(pause * 2, 1000); // the nodes tell nobody of their devices: ask again, less and less often
  }
}

const HANDSHAKE = 'to shake hands';

/** The seven steps of readiness: key, address, device with its address, rule, routes, peers, handshakes. */
function missingOn(node: EncryptionNode, nodes: readonly EncryptionNode[]): string[] {
  const { name, device, unprobed } = node;
  if (!node.publicKey) return [`${name} to publish its key`];
  if (!node.wireguardAddress) return [`${name} to get an address for its tunnel`];
  if (unprobed !== undefined) return []; // its key and address are all that can be seen of it
  if (!device) return [`${name} to make its WireGuard device`];
  if (!device.addresses.some((address) => address === `${node.wireguardAddress}/32`))
    return [`the tunnel address on ${name}`];
  const others = nodes.filter((other) => other !== node);
  const peers = new Set(device.peers.map(({ publicKey }) => publicKey));
  const unknown = others.filter(({ publicKey }) => !publicKey || !peers.has(publicKey));
  if (unknown.length > 0) return [`${name} to know its peer ${unknown[0]?.name}`];
  if (device.rule === undefined) return [`the ip rule on ${name}`];
  const routed = new Set(device.routes);
  const lost = device.peers
    .flatMap(({ allowedIPs }) => allowedIPs)
    .filter((network) => !routed.has(network.replace(/\/32$/, '')) && !routed.has(network));
  if (lost.length > 0) return [`the route to ${lost[0]} on ${name}`];
  return others.flatMap((other) => {
    const peer = device.peers.find(({ publicKey }) => publicKey === other.publicKey);
    return peer?.latestHandshake ? [] : [`${name} and ${other.name} ${HANDSHAKE}`];
  });
}

function leftOn({ name, device, publicKey, wireguardAddress }: EncryptionNode): string[] {
  if (device) return [`${name} to take its WireGuard device away`];
  if (device === undefined && publicKey) return [`${name} to withdraw its key`];
  return wireguardAddress ? [`${name} to give its tunnel address back`] : [];
}

/** One datagram through the tunnel makes two peers shake hands. Only one of two sends: crossing handshakes hold each other up. */
const SEND = 'while read -r address; do printf . > "/dev/udp/$address/9"; done';

async function warmUp(shell: NodeShell, nodes: readonly EncryptionNode[]): Promise<void> {
  await Promise.all(
    nodes.map(async ({ name, device, unprobed }, i) => {
      if (unprobed !== undefined) return;
      // A node that cannot be asked to send is sent to by all others.
      const waiting = nodes.filter((other, j) => {
        if (j <= i && other.unprobed === undefined) return false;
        return !device?.peers.find(({ publicKey }) => publicKey === other.publicKey)?.latestHandshake;
      });
      const addresses = waiting.map(({ wireguardAddress }) => `${wireguardAddress}\n`).join('');
      if (addresses) await finish(await shell(name, ['bash', '-c', SEND]), addresses);
    }),
  );
}
