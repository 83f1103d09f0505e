import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { isCalicoNode } from '../../cni/calico/controllers/calico-node.ts';
import { Ipam } from '../../cni/calico/controllers/ipam.ts';
import { CALICO_NAMESPACES, calicoControllers } from '../../cni/calico/controllers/operator.ts';
import { Felix } from '../../cni/calico/felix/felix.ts';
import {
  createWireguardDevice,
  type Dataplane,
  removeWireguardDevice,
} from '../../cni/calico/felix/wireguard-device.ts';
import { CALICO_SCHEME } from '../../cni/calico/scheme.ts';
import { Agents } from '../../cni/cilium/agent/agents.ts';
import { PROGRAMS } from '../../cni/cilium/agent/files.ts';
import { espProblem } from '../../cni/cilium/agent/ipsec-probe.ts';
import { isAgent } from '../../cni/cilium/controllers/daemonset.ts';
import { CILIUM_SCHEME } from '../../cni/cilium/scheme.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { CniControllers } from '../../kube-api/controllers/start-controllers.ts';
import type { LogOptions } from '../../kube-api/runtime.ts';
import type { SchemeExtension } from '../../kube-api/scheme.ts';
import type { Store } from '../../kube-api/store.ts';
import type { NodeNamespaces } from './node/node-namespaces.ts';
import { nodeRunFolder } from './pod/image.ts';
import type { Sandbox } from './pod/sandbox.ts';

/** The CNI of the cluster: it connects pods, and it is what its agents' pods stand for. */
export interface ClusterNetwork {
  /** Its kinds, its namespaces and its controllers, for the API server. */
  readonly scheme: SchemeExtension;
  readonly namespaces: readonly string[];
  readonly controllers: CniControllers;
  /** Takes charge of nodes that are as they were made. */
  start(nodes: ReadonlyMap<string, NodeNamespaces>): void;
  /** Connects a pod's sandbox to its node, and returns the pod's addresses. */
  attach(node: string, pod: KubeObject, sandbox: Sandbox): Promise<string[]>;
  detach(node: string, pod: KubeObject): Promise<void>;
  /** Whether a pod is one of its agents, in which no process runs. */
  isAgent(pod: KubeObject): boolean;
  /** The pod of an agent is there, for the first time or again. Throws, or rejects, with the reason if it cannot run. */
  begin(node: string): void | Promise<void>;
  logs(node: string, options: LogOptions): Readable;
  /** A folder with programs of its own on a node, which its agents' pods have on PATH. */
  readonly programs?: string;
}

interface Means {
  store: Store;
  dataplane: Dataplane;
  /** The MTU of the nodes' underlay interface. */
  mtu: number;
  log: (message: string) => void;
}

/** Prefix lengths of Docker's network `kind`, which the nodes' is like. */
const NODE_PREFIX_LENGTHS = { 4: 16, 6: 64 } as const;

export function calicoNetwork(means: Means): ClusterNetwork {
  const [ipam, ipam6] = [new Ipam(), new Ipam()];
  const felix = new Felix({ ...means, ipam, ipam6 });
  return {
    scheme: CALICO_SCHEME,
    namespaces: CALICO_NAMESPACES,
    controllers: calicoControllers({ ipam, ipam6, nodePrefixLength: NODE_PREFIX_LENGTHS }),
    start: (nodes) => felix.start(nodes),
    attach: (node, pod, sandbox) => felix.attach(node, pod, sandbox),
    detach: (node, pod) => felix.detach(node, pod),
    isAgent: isCalicoNode,
    begin: (node) => felix.begin(node),
    logs: (node, options) => felix.logOf(node).read(options),
  };
}

export function ciliumNetwork(
  { store, dataplane, mtu, log }: Means,
  nodes: readonly { name: string; address: string; podCIDR?: string }[],
): ClusterNetwork {
  const namespaces = new Map<string, NodeNamespaces>();
  const named = (name: string): NodeNamespaces => {
    const node = namespaces.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  };
  const agents = new Agents({
    store,
    mtu,
    log,
    nodes: nodes.map(({ name, address, podCIDR = '' }) => ({ name, address, podCidr: podCIDR })),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    runFolder: nodeRunFolder,
    wireguard: {
      create: ({ name }, device) => createWireguardDevice(named(name), device, { dataplane, log }),
      remove: ({ name }, device) => removeWireguardDevice(named(name), device),
    },
    espProblem,
  });
  return {
    scheme: CILIUM_SCHEME,
    namespaces: [],
    // The agents make the nodes ready themselves.
    controllers: { kinds: [], run: () => () => undefined },
    start(made) {
      for (const [name, node] of made) namespaces.set(name, node);
      agents.start(made);
    },
    attach: (node, pod, sandbox) => agents.attach(node, pod, sandbox),
    detach: (node, pod) => agents.detach(node, pod),
    isAgent,
    begin: (node) => agents.begin(node),
    logs: (node, options) => agents.logOf(node, options),
    programs: `/run/${PROGRAMS}`,
  };
}
