import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { KubeObject } from '../../kube/object.ts';
import type { Store } from '../store.ts';
import { timestamp } from './conditions.ts';
import type { Node, Taint } from './kinds.ts';
import { defaultServiceAccount } from './namespaces.ts';
import { CONTROL_PLANE, taintsOfState } from './node-fit.ts';

export interface BootstrapNode {
  name: string;
  role: 'control-plane' | 'worker';
  /** The node's IPv4 address on the wire. */
  address: string;
  /** Its IPv6 address, in a cluster of both. */
  address6?: string;
  podCIDR?: string;
  labels?: Record<string, string>;
}

/** The nodes' description of the machine that they run on. */
export interface Machine {
  kernelVersion: string;
  osImage: string;
  /** As Go names it: amd64, arm64. */
  architecture: string;
  cpus: number;
  memoryBytes: number;
}

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** kubelet's words for a node as long as no CNI plugin is set up. */
const NETWORK_NOT_READY =
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady ' +
  'message:Network plugin returns error: cni plugin not initialized';

/** Puts into an empty store what a fresh cluster has before there is a network: namespaces, service accounts, nodes. */
export function bootstrapCluster(
  store: Store,
  nodes: readonly BootstrapNode[],
  {
    namespaces = [],
    machine = thisMachine(),
    now = new Date(),
  }: {
    /** Further namespaces, such as a CNI's. */
    namespaces?: readonly string[];
    machine?: Machine;
    now?: Date;
  } = {},
): void {
  for (const name of [...NAMESPACES, ...namespaces]) {
    store.create(namespaceObject(name));
    store.create(defaultServiceAccount(name));
  }
  const hasWorkers = nodes.some(({ role }) => role === 'worker');
  for (const node of nodes) store.create(nodeObject(node, { hasWorkers, machine, time: timestamp(now) }));
  store.create(kubernetesService());
}

/** The machine that this runs on. */
function thisMachine(): Machine {
  const architectures: Record<string, string> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return {
    kernelVersion: os.release(),
    osImage: osImage(),
    architecture: architectures[process.arch] ?? process.arch,
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
  };
}

function osImage(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type();
  } catch {
    return os.type(); // a system without os-release: its kernel's name is what there is to say
  }
}

function nodeObject(
  { name, role, address, address6, podCIDR, labels }: BootstrapNode,
  { hasWorkers, machine, time }: { hasWorkers: boolean; machine: Machine; time: string },
): Node {
  const { architecture } = machine;
  const isControlPlane = role === 'control-plane';
  const platform = { 'kubernetes.io/arch': architecture, 'kubernetes.io/os': 'linux' };
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': architecture,
        'beta.kubernetes.io/os': 'linux',
        ...platform,
        'kubernetes.io/hostname': name,
        ...(isControlPlane && { [CONTROL_PLANE]: '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' }),
        ...labels,
      },
      annotations: {},
    },
    spec: { ...(podCIDR !== undefined && { podCIDR, podCIDRs: [podCIDR] }), providerID: `wglab://${name}` },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        ...(address6 === undefined ? [] : [{ type: 'InternalIP', address: address6 }]),
        { type: 'Hostname', address: name },
      ],
      capacity: resources(machine),
      allocatable: resources(machine),
      conditions: nodeConditions(time),
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: nodeInfo(name, machine),
    },
  };
  const reserved: Taint[] = isControlPlane && hasWorkers ? [{ key: CONTROL_PLANE, effect: 'NoSchedule' }] : [];
  return { ...node, spec: { ...node.spec, taints: [...reserved, ...taintsOfState(node)] } };
}

function nodeConditions(time: string) {
  const fine = [
    ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ].map(([type = '', reason, message]) => ({ type, reason, message }));
  const all = [...fine, { type: 'Ready', reason: 'KubeletNotReady', message: NETWORK_NOT_READY }];
  return all.map((entry) => ({
    ...entry,
    status: 'False' as const,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  }));
}

function resources({ cpus, memoryBytes }: Machine): Record<string, string> {
  return { cpu: String(cpus), memory: `${Math.floor(memoryBytes / 1024)}Ki`, pods: '110' };
}

function nodeInfo(name: string, { architecture, kernelVersion, osImage }: Machine) {
  return {
    architecture,
    bootID: '',
    containerRuntimeVersion: 'wglab://0.1.0',
    kernelVersion,
    kubeProxyVersion: '',
    kubeletVersion: 'v1.32.0+wglab',
    machineID: name,
    operatingSystem: 'linux',
    osImage,
    systemUUID: '',
  };
}

function namespaceObject(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

/** The API server's own service. It is headless and has no addresses: pods cannot reach the API, which listens on the host's loopback. */
function kubernetesService(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      clusterIPs: ['None'],
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  };
}
