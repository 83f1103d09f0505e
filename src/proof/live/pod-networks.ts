import type { CalicoNode } from '../../cni/calico.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { KubeObject, Pod } from '../../kube/objects.ts';
import type { Record } from '../record.ts';

type PodNetwork = Record['podNetworks'][number];

interface IPPool extends KubeObject {
  spec?: { cidr?: string };
}

interface BlockAffinity extends KubeObject {
  spec?: { cidr?: string; node?: string; deleted?: string | boolean };
}

/** Which addresses belong to pods, and to pods of which node: pools, blocks, tunnel addresses, and the pods themselves. */
export async function podNetworks(
  cluster: Cluster,
  nodes: readonly CalicoNode[],
  pods: readonly Pod[],
): Promise<PodNetwork[]> {
  const crd = 'crd.projectcalico.org/v1';
  const [pools, affinities] = await Promise.all([
    cluster.list<IPPool>(crd, 'IPPool'),
    cluster.list<BlockAffinity>(crd, 'BlockAffinity'),
  ]);
  const networks = new Map<string, string | null>();
  for (const { spec } of pools.items) if (spec?.cidr) networks.set(spec.cidr, null);
  for (const { spec } of affinities.items) {
    if (spec?.cidr && spec.node && String(spec.deleted) !== 'true') networks.set(spec.cidr, spec.node);
  }
  for (const { spec, status } of pods) {
    if (status?.podIP && spec?.nodeName && !spec.hostNetwork) networks.set(alone(status.podIP), spec.nodeName);
  }
  for (const { name, vxlanAddress, wireguardAddress } of nodes) {
    for (const address of [vxlanAddress, wireguardAddress]) if (address) networks.set(alone(address), name);
  }
  return [...networks].map(([cidr, node]) => ({ cidr, node }));
}

/** One address as a network. */
function alone(address: string): string {
  return address.includes(':') ? `${address}/128` : `${address}/32`;
}
