import type { KubeObject } from '../../../kube/object.ts';
import type { Store } from '../../../kube-api/store.ts';
import { type Family, familyOf } from '../../../net/families.ts';
import type { Ipam } from '../controllers/ipam.ts';
import { ANNOTATIONS } from '../controllers/operator.ts';
import { type FelixSpec, felixSettings, settingsForIpv6 } from '../dataplane/felix-settings.ts';
import type { ClusterView, FamilyView, FelixSettings, NodeView, PodView } from '../dataplane/types.ts';

/** A pod that is attached to its node. */
export interface AttachedPod extends PodView {
  /** In a cluster of both families. */
  address6?: string;
}

interface Sources {
  store: Store;
  ipam: Ipam;
  ipam6: Ipam;
  /** Pods by node. */
  pods: (node: string) => AttachedPod[];
  hostMtu: number;
  forNode: string;
}

/** Returns the cluster as Felix on one node sees it: the store's objects, the blocks of IPAM and the pods that are attached. */
export function clusterView(sources: Sources): ClusterView {
  const { store, ipam, ipam6, pods } = sources;
  const pools = store.list('IPPool');
  const ipv6 = pools.find(({ spec }) => familyOf(String(spec?.cidr)) === 6);
  const settingsOf = settingsByNode(store);
  const view = familyView(sources, {
    family: 4,
    pool: pools.find(({ spec }) => familyOf(String(spec?.cidr)) === 4),
    ipam,
    settingsOf,
    pods,
  });
  if (!ipv6) return view;
  const podsOfIpv6 = (node: string) =>
    pods(node).flatMap((pod) => (pod.address6 === undefined ? [] : [{ ...pod, address: pod.address6 }]));
  const part = { family: 6, pool: ipv6, ipam: ipam6, pods: podsOfIpv6 } as const;
  return { ...view, ipv6: familyView(sources, { ...part, settingsOf: (node) => settingsForIpv6(settingsOf(node)) }) };
}

interface FamilyPart {
  family: Family;
  pool: KubeObject | undefined;
  ipam: Ipam;
  settingsOf: (node: string) => FelixSettings;
  pods: (node: string) => PodView[];
}

function familyView({ store, hostMtu, forNode }: Sources, part: FamilyPart): FamilyView {
  const { family, pool, settingsOf } = part;
  return {
    ...(family === 6 && { family }),
    nodes: pool ? store.list('Node').flatMap((node) => nodeView(node, part)) : [],
    felix: settingsOf(forNode),
    hostMtu,
    encapsulation: pool?.spec?.vxlanMode === 'Always' ? 'VXLAN' : 'None',
  };
}

function settingsByNode(store: Store) {
  const spec = (name: string) => (store.get('FelixConfiguration', undefined, name)?.spec ?? {}) as FelixSpec;
  const ofAll = spec('default');
  return (node: string) => felixSettings([ofAll, spec(`node.${node}`)]);
}

function nodeView(
  { metadata: { name, annotations = {} } }: KubeObject,
  { family, ipam, settingsOf, pods }: FamilyPart,
): NodeView[] {
  const names = ANNOTATIONS[family];
  const [address, prefixLength] = (annotations[names.nodeAddress] ?? '').split('/');
  if (!address) return [];
  return [
    {
      name,
      address,
      prefixLength: Number(prefixLength),
      blocks: ipam.blocksOf(name),
      vxlanTunnelAddress: annotations[names.vxlanAddress],
      wireguardAddress: annotations[names.wireguardAddress],
      wireguardPublicKey: annotations[names.wireguardKey],
      wireguardEnabled: settingsOf(name).wireguardEnabled,
      pods: pods(name),
    },
  ];
}

/** The part of the Node objects that Felix depends on, as one text: what else changes on them is no work for it. */
export function nodeFingerprint(store: Store): string {
  const calico = (annotations: Record<string, string> = {}) =>
    Object.entries(annotations).filter(([key]) => key.startsWith('projectcalico.org/'));
  return JSON.stringify(store.list('Node').map(({ metadata }) => [metadata.name, calico(metadata.annotations)]));
}

/** The public keys of a node's WireGuard devices. */
export type Keys = Partial<Record<Family, string>>;

/** Publishes a node's keys as its annotations, or removes them; does nothing if they are right already. */
export function publishKeys(store: Store, node: string, keys: Keys): void {
  store.modify('Node', undefined, node, ({ metadata }) => {
    const published = { ...metadata.annotations };
    for (const family of [4, 6] as const) {
      const { wireguardKey } = ANNOTATIONS[family];
      const key = keys[family];
      if (key === undefined) delete published[wireguardKey];
      else published[wireguardKey] = key;
    }
    metadata.annotations = published;
  });
}
