import {
  calicoNode,
  calicoNodeV6,
  type FelixWireguard,
  felixWireguard,
  podBlocks,
  type WireguardDevice,
  wireguardDevice,
} from '../../cni/calico/keys.ts';
import type { Cluster } from '../../kube/cluster.ts';
import { type NodeShell, UnprobedNode } from '../../process/node-shell.ts';
import { type EncryptionNode, missing } from './convergence.ts';

/** The state of encryption for IPv4, and for IPv6 if the cluster has both. */
export interface Encryption extends FamilyEncryption {
  ipv6?: FamilyEncryption;
}

export interface FamilyEncryption {
  enabled: boolean;
  interface: string;
  port: number;
  nodes: EncryptionNode[];
  /** Everything that is not yet as asked, a line each; empty once all nodes have converged. */
  waitingFor: string[];
}

/** Nodes whose devices need not be asked for again, by family and name. */
export interface Known {
  4: ReadonlyMap<string, EncryptionNode>;
  6: ReadonlyMap<string, EncryptionNode>;
}

export const NOBODY: Known = { 4: new Map(), 6: new Map() };

/** Reads the state of encryption on every node, and what is missing for it to be in force, or gone. */
export async function encryption(cluster: Cluster, shell: NodeShell, known = NOBODY): Promise<Encryption> {
  const [{ ipv6, routesBlocks, ...ipv4 }, kubeNodes, blocksOf] = await Promise.all([
    felixWireguard(cluster),
    cluster.nodes(),
    podBlocks(cluster),
  ]);
  const withBlocks = (family: 4 | 6) => (node: Omit<EncryptionNode, 'blocks'>) => ({
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

/** Returns the parts of both families. */
export function partsOf(encryption: Encryption): FamilyEncryption[] {
  return encryption.ipv6 ? [encryption, encryption.ipv6] : [encryption];
}

async function familyEncryption(
  shell: NodeShell,
  felix: FelixWireguard,
  published: readonly EncryptionNode[],
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

async function deviceOf(
  shell: NodeShell,
  node: string,
  name: string,
  family: 4 | 6,
): Promise<{ device?: WireguardDevice; unprobed?: string }> {
  try {
    const device = await wireguardDevice(shell, node, name, family);
    return device ? { device } : {};
  } catch (error) {
    if (error instanceof UnprobedNode) return { unprobed: error.reason };
    throw error;
  }
}
