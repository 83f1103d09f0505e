import { setTimeout as delay } from 'node:timers/promises';
import {
  type CalicoNode,
  calicoNode,
  calicoNodeV6,
  type FelixWireguard,
  felixWireguard,
  isDualStack,
  patchFelix,
  podBlocks,
  type WireguardDevice,
  wireguardDevice,
} from '../cni/calico.ts';
import { finish, type NodeShell, UnprobedNode } from '../engine/run.ts';
import { labFailure } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';
import { networkKey } from '../lab/cidr.ts';

/** Calico's own tests give a change 120 s on kind; a standing cluster's Felix restarts in between. */
const CONVERGED_MS = 120_000;

export interface EncryptionNode extends CalicoNode {
  /** The networks of its pods that the other nodes route to it. */
  blocks: string[];
  device?: WireguardDevice;
  /** Why the node could not be asked for its device; what it publishes is known all the same. */
  unprobed?: string;
}

/** For IPv4, and where the cluster has both for IPv6. */
export interface Encryption extends FamilyEncryption {
  ipv6?: FamilyEncryption;
}

interface FamilyEncryption {
  enabled: boolean;
  interface: string;
  port: number;
  nodes: EncryptionNode[];
  /** What is not yet as asked, a line each; empty once all nodes have converged. */
  waitingFor: string[];
}

/** Nodes whose devices need not be asked for again, by the family and name. */
interface Known {
  4: ReadonlyMap<string, EncryptionNode>;
  6: ReadonlyMap<string, EncryptionNode>;
}

const NOBODY: Known = { 4: new Map(), 6: new Map() };

/** How encryption stands on every node, and what is missing for it to be in force, or gone. */
export async function encryption(cluster: Cluster, shell: NodeShell, known = NOBODY): Promise<Encryption> {
  const [{ ipv6, routesBlocks, ...ipv4 }, kubeNodes, blocksOf] = await Promise.all([
    felixWireguard(cluster),
    cluster.nodes(),
    podBlocks(cluster),
  ]);
  const withBlocks = (family: 4 | 6) => (node: CalicoNode) => ({
    ...node,
    blocks: routesBlocks ? blocksOf(node.name, family) : [],
  });
  const nodesOfIpv4 = kubeNodes.map(calicoNode).map(withBlocks(4));
  const nodesOfIpv6 = kubeNodes.flatMap((node) => calicoNodeV6(node) ?? []).map(withBlocks(6));
  const [four, six] = await Promise.all([
    familyEncryption(shell, ipv4, nodesOfIpv4, 4, known),
    nodesOfIpv6.length > 0 ? familyEncryption(shell, ipv6, nodesOfIpv6, 6, known) : undefined,
  ]);
  return six ? { ...four, ipv6: six } : four;
}

async function familyEncryption(
  shell: NodeShell,
  felix: FelixWireguard,
  published: readonly Omit<EncryptionNode, 'device' | 'unprobed'>[],
  family: 4 | 6,
  known: Known,
): Promise<FamilyEncryption> {
  const nodes = await Promise.all(
    published.map(async (node): Promise<EncryptionNode> => {
      const before = known[family].get(node.name);
      if (before) return { ...before, ...node };
      return { ...node, ...(await deviceOf(shell, node.name, felix.interface, family)) };
    }),
  );
  const waitingFor = nodes.flatMap((node) => missing(felix.enabled, node, nodes));
  return { ...felix, nodes, waitingFor };
}

/** Both families' parts. */
function partsOf(encryption: Encryption): FamilyEncryption[] {
  return encryption.ipv6 ? [encryption, encryption.ipv6] : [encryption];
}

/** What is not yet as asked, of both families. */
function allWaitingFor(encryption: Encryption): string[] {
  return partsOf(encryption).flatMap(({ waitingFor }) => waitingFor);
}

async function deviceOf(
  shell: NodeShell,
  node: string,
  name: string,
  family: 4 | 6,
): Promise<Pick<EncryptionNode, 'device' | 'unprobed'>> {
  try {
    const device = await wireguardDevice(shell, node, name, family);
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

/** Turns encryption on or off, for both families where the cluster has both, and resolves once every node has converged. Throws Failure 5 naming what did not come. */
export async function setEncryption(
  cluster: Cluster,
  shell: NodeShell,
  enabled: boolean,
  update: (waitingFor: string) => void,
  signal: AbortSignal,
): Promise<Encryption> {
  await patchFelix(cluster, enabled, isDualStack(await cluster.nodes()));
  const deadline = Date.now() + CONVERGED_MS;
  let pause = 20;
  let warmed = false;
  let done = NOBODY;
  for (;;) {
    signal.throwIfAborted();
    let now = await encryption(cluster, shell, done);
    // The answer that counts is one of all nodes at the same time.
    if (allWaitingFor(now).length === 0 && done !== NOBODY) now = await encryption(cluster, shell);
    const waitingFor = allWaitingFor(now);
    if (waitingFor.length === 0) return now;
    done = { 4: converged(enabled, now), 6: now.ipv6 ? converged(enabled, now.ipv6) : new Map() };
    const onlyHandshakes = waitingFor.every((what) => what.endsWith(HANDSHAKE));
    if (Date.now() > deadline) {
      throw labFailure(`encryption did not turn ${enabled ? 'on' : 'off'} everywhere within ${CONVERGED_MS / 1000} s`, {
        detail: waitingFor.join('\n'),
        remedy: 'wglab status shows each node; kubectl logs and wglab exec NODE -- wg show help to find out why',
      });
    }
    const others = waitingFor.length > 1 ? ` and ${waitingFor.length - 1} more` : '';
    update(`waiting, at most ${CONVERGED_MS / 1000} s, for ${waitingFor[0]}${others}`);
    if (enabled && onlyHandshakes) {
      await Promise.all(partsOf(now).map(({ nodes }) => warmUp(shell, nodes)));
      if (!warmed) pause = 20;
      warmed = true;
    }
    await delay(pause, undefined, { signal });
    pause = Math.min(pause * 2, 1000); // the nodes tell nobody of their devices: ask again, less and less often
  }
}

/** The nodes that are as asked. */
function converged(enabled: boolean, { nodes }: FamilyEncryption): Map<string, EncryptionNode> {
  const asAsked = nodes.filter((node) => missing(enabled, node, nodes).length === 0);
  return new Map(asAsked.map((node) => [node.name, node]));
}

const HANDSHAKE = 'to shake hands';

/**
 * The seven steps of readiness: key, address, device that is up with its address, all peers and no others, rule, a route for
 * everything that a peer may send from and for each of its blocks, handshakes.
 */
function missingOn(node: EncryptionNode, nodes: readonly EncryptionNode[]): string[] {
  const { name, device, unprobed } = node;
  if (!node.publicKey) return [`${name} to publish its key`];
  if (!node.wireguardAddress) return [`${name} to get an address for its tunnel`];
  if (unprobed !== undefined) return []; // its key and address are all that can be seen of it
  if (!device) return [`${name} to make its WireGuard device`];
  if (!device.up) return [`the WireGuard device on ${name} to be up`];
  const own = networkKey(node.wireguardAddress);
  if (!device.addresses.some((address) => networkKey(address) === own)) return [`the tunnel address on ${name}`];
  const others = nodes.filter((other) => other !== node);
  const peers = new Set(device.peers.map(({ publicKey }) => publicKey));
  const unknown = others.filter(({ publicKey }) => !publicKey || !peers.has(publicKey));
  if (unknown.length > 0) return [`${name} to know its peer ${unknown[0]?.name}`];
  if (peers.size > others.length) return [`${name} to forget a peer that is no node`];
  if (device.rule === undefined) return [`the ip rule on ${name}`];
  const routed = new Set(device.routes.map(networkKey));
  const wanted = [...device.peers.flatMap(({ allowedIPs }) => allowedIPs), ...others.flatMap(({ blocks }) => blocks)];
  const lost = wanted.find((network) => !routed.has(networkKey(network)));
  if (lost !== undefined) return [`the route to ${lost} on ${name}`];
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
