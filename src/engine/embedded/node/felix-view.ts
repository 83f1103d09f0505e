import { NODE_ADDRESS, VXLAN_ADDRESS, WIREGUARD_ADDRESS, WIREGUARD_KEY } from '../controllers/calico.ts';
import { type FelixSpec, felixSettings } from '../dataplane/felix-settings.ts';
import type { ClusterView, NodeView, PodView } from '../dataplane/types.ts';
import type { Ipam } from '../ipam.ts';
import type { KubeObject, Store } from '../store.ts';

/** What Felix on one node knows of the cluster: the store's objects, the blocks of IPAM and the pods that are attached. */
export function clusterView(options: {
  store: Store;
  ipam: Ipam;
  /** Pods by node. */
  pods: (node: string) => PodView[];
  hostMtu: number;
  forNode: string;
}): ClusterView {
  const { store, ipam, pods, hostMtu, forNode } = options;
  const [pool] = store.list('IPPool');
  const settingsOf = settingsByNode(store);
  return {
    nodes: pool ? store.list('Node').flatMap((node) => nodeView(node, ipam, pods, settingsOf)) : [],
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
  ipam: Ipam,
  pods: (node: string) => PodView[],
  settingsOf: ReturnType<typeof settingsByNode>,
): NodeView[] {
  const [address, prefixLength] = (annotations[NODE_ADDRESS] ?? '').split('/');
  if (!address) return [];
  return [
    {
      name,
      address,
      prefixLength: Number(prefixLength),
      blocks: ipam.blocksOf(name),
      vxlanTunnelAddress: annotations[VXLAN_ADDRESS],
      wireguardAddress: annotations[WIREGUARD_ADDRESS],
      wireguardPublicKey: annotations[WIREGUARD_KEY],
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

/** Publishes a node's key as its annotation, or takes it back; nothing happens where it is right already. */
export function publishKey(store: Store, node: string, key: string | undefined): void {
  store.modify('Node', undefined, node, ({ metadata }) => {
    const { [WIREGUARD_KEY]: _, ...others } = metadata.annotations ?? {};
    metadata.annotations = key === undefined ? others : { ...others, [WIREGUARD_KEY]: key };
  });
}
