import type { Ipam } from '../ipam.ts';
import { IpamError } from '../ipam.ts';
import type { KubeObject } from '../store.ts';
import { ensureCalicoNode } from './calico-node.ts';
import { timestamp, withCondition } from './conditions.ts';
import { attempt, type ControllerContext, reconcileOnChange } from './controller.ts';
import { type Degraded, planPool } from './installation.ts';
import type { Condition, Installation, Node } from './kinds.ts';
import { isNodeReady } from './node-fit.ts';
import { ensure, modify, writeStatus } from './object-cache.ts';

const CRD = 'crd.projectcalico.org/v1';

/** Annotations by which Calico publishes a node's addresses and key (libcalico-go, backend/k8s/resources/node.go). */
export const NODE_ADDRESS = 'projectcalico.org/IPv4Address';
export const VXLAN_ADDRESS = 'projectcalico.org/IPv4VXLANTunnelAddr';
export const WIREGUARD_ADDRESS = 'projectcalico.org/IPv4WireguardInterfaceAddr';
export const WIREGUARD_KEY = 'projectcalico.org/WireguardPublicKey';

export interface CalicoOptions {
  ipam: Ipam;
  /** Prefix length of the network that the nodes are on. */
  nodePrefixLength: number;
}

/**
 * Plays Calico's operator and its node services: once there is an Installation `default`, it makes the pool and the default
 * FelixConfiguration, gives the nodes blocks and tunnel addresses, and so makes them Ready.
 */
export function runCalico(context: ControllerContext, options: CalicoOptions): () => void {
  const kinds = ['Installation', 'IPPool', 'FelixConfiguration', 'BlockAffinity', 'Node', 'DaemonSet'] as const;
  let stopped = false;
  const stop = reconcileOnChange(context, 'tigera-operator', kinds, () => reconcile(context, options));
  // The kubelets take addresses too, and that may claim a block.
  const unsubscribe = options.ipam.onBlocksChanged(() => {
    queueMicrotask(() => {
      if (!stopped) attempt(context, 'writing block affinities', () => writeAffinities(context, options.ipam));
    });
  });
  return () => {
    stopped = true;
    unsubscribe();
    stop();
  };
}

function reconcile(context: ControllerContext, options: CalicoOptions): void {
  const { store, cache } = context;
  const installation = cache.get('Installation', undefined, 'default');
  if (!installation) return;
  const nodes = cache.list('Node');
  const pool = planPool(installation.spec, nodes.flatMap(internalAddress));
  if (!('spec' in pool)) {
    report(context, installation, pool);
    return;
  }
  const { cidr, blockSize } = pool.spec;
  const refused = refusal(() => options.ipam.setPool(cidr, blockSize));
  if (refused) {
    report(context, installation, refused);
    return;
  }
  ensure(store, cache, 'IPPool', { apiVersion: CRD, kind: 'IPPool', metadata: { name: pool.name }, spec: pool.spec });
  ensureFelixConfiguration(context);
  ensureCalicoNode(context);
  releaseGone(options.ipam, nodes);
  const failures = nodes.flatMap((node) => refusal(() => publish(context, node, options)) ?? []);
  writeAffinities(context, options.ipam);
  report(context, installation, failures[0]);
}

/** Calico's node writes it at its start where there is none (node/pkg/lifecycle/startup). */
function ensureFelixConfiguration({ store, cache }: ControllerContext): void {
  if (cache.get('FelixConfiguration', undefined, 'default')) return;
  const spec = { logSeverityScreen: 'Info', reportingInterval: '0s' };
  store.create({ apiVersion: CRD, kind: 'FelixConfiguration', metadata: { name: 'default' }, spec });
}

/** Takes the node's tunnel addresses from IPAM, publishes them as annotations, and makes the node Ready. Throws IpamError. */
function publish(
  { store, record, now }: ControllerContext,
  node: Node,
  { ipam, nodePrefixLength }: CalicoOptions,
): void {
  const { name, annotations = {} } = node.metadata;
  const [address] = internalAddress(node);
  if (address === undefined) return;
  const wireguardHandle = `wireguard-tunnel-addr-${name}`;
  const vxlan = ipam.assign(name, `vxlan-tunnel-addr-${name}`);
  if (!annotations[WIREGUARD_KEY]) ipam.release(wireguardHandle);
  const wireguard = annotations[WIREGUARD_KEY] ? ipam.assign(name, wireguardHandle) : undefined;
  const planned = planAnnotations(annotations, { node: `${address}/${nodePrefixLength}`, vxlan, wireguard });
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
  if (becomesReady) record('kubelet', node, 'Normal', 'NodeReady', `Node ${name} status is now: NodeReady`);
}

/** The node's annotations with its addresses as they should be, or undefined where they are. */
function planAnnotations(
  annotations: Readonly<Record<string, string>>,
  wanted: { node: string; vxlan: string; wireguard: string | undefined },
): Record<string, string> | undefined {
  const { [WIREGUARD_ADDRESS]: wireguard, ...others } = annotations;
  const right = annotations[NODE_ADDRESS] === wanted.node && annotations[VXLAN_ADDRESS] === wanted.vxlan;
  if (right && wireguard === wanted.wireguard) return undefined;
  const published = { ...others, [NODE_ADDRESS]: wanted.node, [VXLAN_ADDRESS]: wanted.vxlan };
  return wanted.wireguard === undefined ? published : { ...published, [WIREGUARD_ADDRESS]: wanted.wireguard };
}

/** Whether the missing network is why the node is not ready: another reason is not Calico's to lift. */
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
function writeAffinities({ store, cache }: ControllerContext, ipam: Ipam): void {
  const wanted = new Map(ipam.blocks().map(({ cidr, node }) => [affinityName(node, cidr), { cidr, node }]));
  for (const [name, { cidr, node }] of wanted) {
    const spec = { cidr, deleted: 'false', node, state: 'confirmed' };
    ensure(store, cache, 'BlockAffinity', { apiVersion: CRD, kind: 'BlockAffinity', metadata: { name }, spec });
  }
  for (const { metadata } of cache.list('BlockAffinity')) {
    if (!wanted.has(metadata.name)) store.remove('BlockAffinity', undefined, metadata.name);
  }
}

function affinityName(node: string, cidr: string): string {
  return `${node}-${cidr.replace(/[./]/g, '-')}`;
}

/** Writes how it stands on the Installation and on the TigeraStatus `calico`. */
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

/** What IPAM refused, as a Degraded reason; other errors pass. */
function refusal(work: () => void): Degraded | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof IpamError)) throw error;
    return { reason: 'ResourceUpdateError', message: error.message };
  }
}

function internalAddress({ status }: Readonly<KubeObject<unknown, Node['status']>>): string[] {
  return (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}
