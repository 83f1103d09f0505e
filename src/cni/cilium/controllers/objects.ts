import type { KubeObject } from '../../../kube/object.ts';
import { timestamp, withCondition } from '../../../kube-api/controllers/conditions.ts';
import type { Condition } from '../../../kube-api/controllers/kinds.ts';
import type { Store } from '../../../kube-api/store.ts';
import { CILIUM_API, WIREGUARD_KEY_ANNOTATION } from '../cilium-node.ts';
import type { CiliumPod } from '../dataplane/types.ts';

/** The content of a node's CiliumNode. */
export interface PublishedNode {
  readonly name: string;
  readonly address: string;
  readonly internalAddress: string;
  readonly healthAddress: string;
  readonly podCidr: string;
  readonly bootId: string;
  readonly keyId: number;
  readonly publicKey: string | undefined;
}

/** Writes the CiliumNode of a node, its annotations too: what others changed in them is gone when an agent writes. */
export function publishNode(store: Store, node: PublishedNode): void {
  const annotations: Record<string, string> =
    node.publicKey === undefined ? {} : { [WIREGUARD_KEY_ANNOTATION]: node.publicKey };
  const spec = {
    addresses: [
      { type: 'InternalIP', ip: node.address },
      { type: 'CiliumInternalIP', ip: node.internalAddress },
    ],
    bootid: node.bootId,
    encryption: node.keyId === 0 ? {} : { key: node.keyId },
    health: { ipv4: node.healthAddress },
    ingress: {},
    ipam: { podCIDRs: [node.podCidr], pools: {} },
  };
  const owner = store.get('Node', undefined, node.name);
  const present = store.get('CiliumNode', undefined, node.name);
  if (present) {
    store.modify('CiliumNode', undefined, node.name, (object) => {
      object.spec = spec;
      object.metadata.annotations = annotations;
    });
    return;
  }
  store.create({
    apiVersion: CILIUM_API,
    kind: 'CiliumNode',
    metadata: { name: node.name, annotations, labels: owner?.metadata.labels ?? {}, ...ownedBy(owner) },
    spec,
  });
}

/** Writes the CiliumEndpoint of a pod. */
export function publishEndpoint(store: Store, pod: KubeObject, endpoint: CiliumPod, node: string, keyId: number): void {
  const { namespace = 'default', name, labels = {} } = pod.metadata;
  const status = {
    encryption: keyId === 0 ? {} : { key: keyId },
    id: endpoint.identity % 4096,
    identity: {
      id: endpoint.identity,
      labels: [
        ...Object.entries(labels).map(([key, value]) => `k8s:${key}=${value}`),
        `k8s:io.kubernetes.pod.namespace=${namespace}`,
      ].sort(),
    },
    networking: { addressing: [{ ipv4: endpoint.address }], node },
    state: 'ready',
  };
  const present = store.get('CiliumEndpoint', namespace, name);
  if (present) {
    store.modify('CiliumEndpoint', namespace, name, (object) => {
      object.status = status;
    });
    return;
  }
  store.create({
    apiVersion: CILIUM_API,
    kind: 'CiliumEndpoint',
    metadata: { name, namespace, labels, ...ownedBy(pod) },
    status,
  });
}

function ownedBy(owner: KubeObject | undefined): Pick<KubeObject['metadata'], 'ownerReferences'> {
  if (owner?.metadata.uid === undefined) return {};
  const { apiVersion, kind, metadata } = owner;
  return { ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' }] };
}

const IS_UP: readonly Condition[] = [
  {
    type: 'NetworkUnavailable',
    status: 'False',
    reason: 'CiliumIsUp',
    message: 'Cilium is running on this node',
  },
  { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
];

/** Says on a Node that its network is up, which makes it Ready. A node that was lost stays lost. */
export function reportNetworkUp(store: Store, name: string, now: Date): void {
  const conditions = (store.get('Node', undefined, name)?.status?.conditions ?? []) as Condition[];
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'False') return;
  store.modify('Node', undefined, name, (node) => {
    const all = IS_UP.reduce(
      (before, condition) => withCondition(before, { ...condition, lastHeartbeatTime: timestamp(now) }, now),
      conditions,
    );
    node.status = { ...node.status, conditions: all };
  });
}
