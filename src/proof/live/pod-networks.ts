import { type CalicoNode, calicoGroup, calicoNodeV6 } from '../../cni/calico/keys.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { KubeObject, Node, Pod } from '../../kube/objects.ts';
import type { Record } from '../record.ts';

type PodNetwork = Record['podNetworks'][number];

interface IPPool extends KubeObject {
  spec?: { cidr?: string };
}

interface BlockAffinity extends KubeObject {
  spec?: { cidr?: string; node?: string; deleted?: string | boolean };
}

/** With the CustomResourceDefinitions blocks are always there, with Calico's own API server not in all versions. */
const GROUPS = ['crd.projectcalico.org/v1', 'projectcalico.org/v3'];

/**
 * Returns the addresses that belong to pods, and to which node's: pools, blocks, tunnel addresses, and the pods themselves. With
 * a CNI other than Calico these are the networks that Kubernetes assigned to each node for its pods.
 */
export async function podNetworks(
  cluster: Cluster,
  nodes: readonly CalicoNode[],
  kubeNodes: readonly Node[],
  pods: readonly Pod[],
): Promise<PodNetwork[]> {
  const [pools, affinities] = await Promise.all([
    listed<IPPool>(cluster, 'IPPool'),
    listed<BlockAffinity>(cluster, 'BlockAffinity'),
  ]);
  const networks = new Map<string, string | null>();
  if (pools.length === 0) {
    for (const { metadata, spec } of kubeNodes) {
      for (const cidr of spec?.podCIDRs ?? []) networks.set(cidr, metadata?.name ?? null);
    }
  }
  for (const { spec } of pools) if (spec?.cidr) networks.set(spec.cidr, null);
  for (const { spec } of affinities) {
    if (spec?.cidr && spec.node && String(spec.deleted) !== 'true') networks.set(spec.cidr, spec.node);
  }
  for (const { spec, status } of pods) {
    if (!spec?.nodeName || spec.hostNetwork) continue;
    const addresses = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)];
    for (const address of addresses) if (address) networks.set(alone(address), spec.nodeName);
  }
  const ofIpv6 = kubeNodes.flatMap((node) => calicoNodeV6(node) ?? []);
  for (const { name, vxlanAddress, wireguardAddress } of [...nodes, ...ofIpv6]) {
    for (const address of [vxlanAddress, wireguardAddress]) if (address) networks.set(alone(address), name);
  }
  return [...networks].map(([cidr, node]) => ({ cidr, node }));
}

async function listed<T extends object>(cluster: Cluster, kind: string): Promise<T[]> {
  const group = await calicoGroup(cluster, kind, GROUPS);
  return group === undefined ? [] : (await cluster.list<T>(group, kind)).items;
}

/** Returns one address as a network. */
function alone(address: string): string {
  return address.includes(':') ? `${address}/128` : `${address}/32`;
}
