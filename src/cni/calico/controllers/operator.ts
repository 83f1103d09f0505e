import type { KubeObject } from '../../../kube/object.ts';
import { timestamp, withCondition } from '../../../kube-api/controllers/conditions.ts';
import { attempt, type ControllerContext, reconcileOnChange } from '../../../kube-api/controllers/controller.ts';
import type { Condition, Node } from '../../../kube-api/controllers/kinds.ts';
import { isNodeReady } from '../../../kube-api/controllers/node-fit.ts';
import { ensure, modify, writeStatus } from '../../../kube-api/controllers/object-cache.ts';
import type { CniControllers } from '../../../kube-api/controllers/start-controllers.ts';
import { type Family, familyOf } from '../../../net/families.ts';
import { ensureCalicoNode } from './calico-node.ts';
import { type Degraded, planPools } from './installation.ts';
import type { Ipam } from './ipam.ts';
import { IpamError } from './ipam.ts';
import type { Installation } from './kinds.ts';

const CRD = 'crd.projectcalico.org/v1';

/** Annotations by which Calico publishes a node's addresses and key (libcalico-go, backend/k8s/resources/node.go). */
export const ANNOTATIONS = {
  4: {
    nodeAddress: 'projectcalico.org/IPv4Address',
    vxlanAddress: 'projectcalico.org/IPv4VXLANTunnelAddr',
    wireguardAddress: 'projectcalico.org/IPv4WireguardInterfaceAddr',
    wireguardKey: 'projectcalico.org/WireguardPublicKey',
  },
  6: {
    nodeAddress: 'projectcalico.org/IPv6Address',
    vxlanAddress: 'projectcalico.org/IPv6VXLANTunnelAddr',
    wireguardAddress: 'projectcalico.org/IPv6WireguardInterfaceAddr',
    wireguardKey: 'projectcalico.org/WireguardPublicKeyV6',
  },
} as const;

/** The handles of tunnel addresses in IPAM (node/pkg/allocateip). */
const HANDLES = {
  4: { vxlan: 'vxlan-tunnel-addr', wireguard: 'wireguard-tunnel-addr' },
  6: { vxlan: 'vxlan-v6-tunnel-addr', wireguard: 'wireguard-v6-tunnel-addr' },
} as const;

export interface CalicoOptions {
  ipam: Ipam;
  /** For the IPv6 pool. */
  ipam6: Ipam;
  /** Prefix lengths of the networks that the nodes are on. */
  nodePrefixLength: Record<Family, number>;
}

const KINDS = ['Installation', 'IPPool', 'FelixConfiguration', 'BlockAffinity', 'Node'] as const;

/** Returns Calico's controllers, to be started with those of Kubernetes. */
export function calicoControllers(options: CalicoOptions): CniControllers {
  return { kinds: [...KINDS, 'TigeraStatus'], run: (context) => runCalico(context, options) };
}

/** Namespaces that Calico's manifests expect. */
export const CALICO_NAMESPACES = ['calico-system', 'tigera-operator'];

/**
 * Plays Calico's operator and its node services: once there is an Installation `default`, it makes the pool and the default
 * FelixConfiguration, gives the nodes blocks and tunnel addresses, and so makes them Ready.
 */
function runCalico(context: ControllerContext, options: CalicoOptions): () => void {
  let stopped = false;
  const stop = reconcileOnChange(context, 'tigera-operator', KINDS, () => reconcile(context, options));
  // The kubelets take addresses too, and that may claim a block.
  const changed = () => {
    queueMicrotask(() => {
      if (!stopped) attempt(context, 'writing block affinities', () => writeAffinities(context, options));
    });
  };
  const unsubscribe = [options.ipam, options.ipam6].map((ipam) => ipam.onBlocksChanged(changed));
  // Its status changes with every pod; only that it is gone is of interest.
  const forget = context.store.watch('DaemonSet', ({ type }) => {
    if (type !== 'DELETED' || !context.cache.get('Installation', undefined, 'default')) return;
    setImmediate(() => {
      if (!stopped) attempt(context, 'making calico-node again', () => ensureCalicoNode(context));
    });
  });
  return () => {
    stopped = true;
    for (const end of [...unsubscribe, forget]) end();
    stop();
  };
}

function reconcile(context: ControllerContext, options: CalicoOptions): void {
  const { store, cache } = context;
  const installation = cache.get('Installation', undefined, 'default');
  if (!installation) return;
  const nodes = cache.list('Node');
  const pools = planPools(installation.spec, nodes.flatMap(internalAddresses));
  if (!Array.isArray(pools)) {
    report(context, installation, pools);
    return;
  }
  const refused = refusal(() => {
    for (const { spec } of pools) ipamOf(familyOf(spec.cidr), options).setPool(spec.cidr, spec.blockSize);
  });
  if (refused) {
    report(context, installation, refused);
    return;
  }
  for (const { name, spec } of pools) {
    ensure(store, cache, 'IPPool', { apiVersion: CRD, kind: 'IPPool', metadata: { name }, spec });
  }
  ensureFelixConfiguration(context);
  for (const ipam of [options.ipam, options.ipam6]) releaseGone(ipam, nodes);
  const families = pools.map(({ spec }) => familyOf(spec.cidr));
  const failures = nodes.flatMap((node) => refusal(() => publish(context, node, families, options)) ?? []);
  writeAffinities(context, options);
  // After the nodes' own changes, at each of which every pod is looked at.
  if (nodes.every(isNodeReady)) ensureCalicoNode(context);
  report(context, installation, failures[0]);
}

function ipamOf(family: Family, { ipam, ipam6 }: CalicoOptions): Ipam {
  return family === 4 ? ipam : ipam6;
}

/** Calico's node writes it at its start if there is none (node/pkg/lifecycle/startup). */
function ensureFelixConfiguration({ store, cache }: ControllerContext): void {
  if (cache.get('FelixConfiguration', undefined, 'default')) return;
  const spec = { logSeverityScreen: 'Info', reportingInterval: '0s' };
  store.create({ apiVersion: CRD, kind: 'FelixConfiguration', metadata: { name: 'default' }, spec });
}

/** Takes the node's tunnel addresses from IPAM, publishes them as annotations, and makes the node Ready. Throws IpamError. */
function publish(
  { store, record, now }: ControllerContext,
  node: Node,
  families: readonly Family[],
  options: CalicoOptions,
): void {
  const annotations = node.metadata.annotations ?? {};
  if (internalAddresses(node).length === 0) return;
  const wanted = families.flatMap((family) => addressesOf(node, family, options));
  const planned = planAnnotations(annotations, wanted);
  const becomesReady = !isNodeReady(node) && waitsForNetwork(node);
  if (!planned && !becomesReady) return;
  modify(store, 'Node', node, (object) => {
    if (planned) object.metadata.annotations = planned;
    if (!becomesReady) return;
    const conditions = withCondition(
      object.status?.conditions,
      { ...READY, lastHeartbeatTime: timestamp(now()) },
      now(),
    );
    object.status = { ...object.status, conditions };
  });
  if (becomesReady)
    record('kubelet', node, 'Normal', 'NodeReady', `Node ${node.metadata.name} status is now: NodeReady`);
}

/** Annotations and what they should say; undefined is not to be there. */
type Wanted = [annotation: string, value: string | undefined];

/** Returns a node's addresses of a family; those of tunnels come from IPAM. Throws IpamError. */
function addressesOf(node: Node, family: Family, options: CalicoOptions): Wanted[] {
  const { name, annotations = {} } = node.metadata;
  const address = internalAddresses(node).find((one) => familyOf(one) === family);
  if (address === undefined) return [];
  const names = ANNOTATIONS[family];
  const ipam = ipamOf(family, options);
  const wireguardHandle = `${HANDLES[family].wireguard}-${name}`;
  const vxlan = ipam.assign(name, `${HANDLES[family].vxlan}-${name}`);
  const hasKey = Boolean(annotations[names.wireguardKey]);
  if (!hasKey) ipam.release(wireguardHandle);
  return [
    [names.nodeAddress, `${address}/${options.nodePrefixLength[family]}`],
    [names.vxlanAddress, vxlan],
    [names.wireguardAddress, hasKey ? ipam.assign(name, wireguardHandle) : undefined],
  ];
}

/** Returns the node's annotations with its addresses as they should be, or undefined if they are right already. */
function planAnnotations(
  annotations: Readonly<Record<string, string>>,
  wanted: readonly Wanted[],
): Record<string, string> | undefined {
  if (wanted.every(([name, value]) => annotations[name] === value)) return undefined;
  const published = { ...annotations };
  for (const [name, value] of wanted) {
    if (value === undefined) delete published[name];
    else published[name] = value;
  }
  return published;
}

/** Returns whether the missing network is why the node is not ready: another reason is not Calico's to lift. */
function waitsForNetwork({ status }: Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'False' && ready.message?.includes('cni plugin not initialized') === true;
}

const READY: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'KubeletReady',
  message: 'kubelet is posting ready status',
};

/** Addresses and blocks of nodes that are no more are free again. */
function releaseGone(ipam: Ipam, nodes: readonly Node[]): void {
  const present = new Set(nodes.map(({ metadata }) => metadata.name));
  const gone = new Set(
    [...ipam.blocks(), ...ipam.allocations()].map(({ node }) => node).filter((node) => !present.has(node)),
  );
  for (const node of gone) ipam.releaseNode(node);
}

/** One BlockAffinity for each block, and none more. */
function writeAffinities({ store, cache }: ControllerContext, { ipam, ipam6 }: CalicoOptions): void {
  const blocks = [...ipam.blocks(), ...ipam6.blocks()];
  const wanted = new Map(blocks.map(({ cidr, node }) => [affinityName(node, cidr), { cidr, node }]));
  for (const [name, { cidr, node }] of wanted) {
    const spec = { cidr, deleted: 'false', node, state: 'confirmed' };
    ensure(store, cache, 'BlockAffinity', { apiVersion: CRD, kind: 'BlockAffinity', metadata: { name }, spec });
  }
  for (const { metadata } of cache.list('BlockAffinity')) {
    if (!wanted.has(metadata.name)) store.remove('BlockAffinity', undefined, metadata.name);
  }
}

function affinityName(node: string, cidr: string): string {
  return `${node}-${cidr.replace(/[.:/]/g, '-')}`;
}

/** Writes its status to the Installation and to the TigeraStatus `calico`. */
function report(
  { store, cache, now }: ControllerContext,
  installation: Installation,
  degraded: Degraded | undefined,
): void {
  const { reason, message } = degraded ?? { reason: 'AllObjectsAvailable', message: 'All objects available' };
  const about = { reason, message, observedGeneration: installation.metadata.generation };
  const conditions = (available: string, before: readonly Condition[] = []) =>
    [
      { ...about, type: available, status: degraded ? 'False' : 'True' } as const,
      { ...about, type: 'Degraded', status: degraded ? 'True' : 'False' } as const,
      { ...about, type: 'Progressing', status: 'False' } as const,
    ].reduce((all, condition) => withCondition(all, condition, now()), before);
  if (!cache.get('TigeraStatus', undefined, 'calico')) {
    store.create({ apiVersion: 'operator.tigera.io/v1', kind: 'TigeraStatus', metadata: { name: 'calico' }, spec: {} });
  }
  const tigera = cache.get('TigeraStatus', undefined, 'calico');
  if (tigera)
    writeStatus(store, 'TigeraStatus', tigera, { conditions: conditions('Available', tigera.status?.conditions) });
  writeStatus(store, 'Installation', installation, {
    variant: 'Calico',
    conditions: conditions('Ready', installation.status?.conditions),
  });
}

/** Returns what IPAM refused, as a Degraded reason. Other errors are thrown again. */
function refusal(work: () => void): Degraded | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof IpamError)) throw error;
    return { reason: 'ResourceUpdateError', message: error.message };
  }
}

function internalAddresses({ status }: Readonly<KubeObject<unknown, Node['status']>>): string[] {
  return (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}
