import { isCalicoNode } from '../../../src/cni/calico/controllers/calico-node.ts';
import { Ipam } from '../../../src/cni/calico/controllers/ipam.ts';
import { CALICO_NAMESPACES, calicoControllers } from '../../../src/cni/calico/controllers/operator.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { type BootstrapNode, bootstrapCluster } from '../../../src/kube-api/controllers/bootstrap.ts';
import type { DaemonSet, Deployment, Kinds, Node, Pod, PodSpec } from '../../../src/kube-api/controllers/kinds.ts';
import { startControllers } from '../../../src/kube-api/controllers/start-controllers.ts';
import { Store } from '../../../src/kube-api/store.ts';

export const MACHINE = {
  kernelVersion: '6.1.0',
  osImage: 'Test OS',
  architecture: 'amd64',
  cpus: 2,
  memoryBytes: 2 ** 31,
};

/** A control plane and so many workers. */
export function nodesOf(workers: number): BootstrapNode[] {
  const names = Array.from({ length: workers }, (_, index) => (index === 0 ? 'worker' : `worker${index + 1}`));
  return [
    { name: 'control-plane', role: 'control-plane', address: '172.18.0.2', podCIDR: '192.168.0.0/24' },
    ...names.map((name, index) => ({ name, role: 'worker' as const, address: `172.18.0.${index + 3}` })),
  ];
}

/** A store with controllers on it, and kubelets that say of every bound pod that it runs, and remove what is to end. */
export class TestCluster {
  readonly store = new Store();
  readonly ipam = new Ipam();
  readonly ipam6 = new Ipam();
  readonly errors: unknown[] = [];
  /** Pods whose names begin so never become ready. */
  failing: string | undefined;
  /** Called after every change of a pod; tests put invariants here. */
  readonly onPodChange: ((pods: readonly Pod[]) => void)[] = [];
  #stops: (() => void)[] = [];

  constructor(nodes: readonly BootstrapNode[] = nodesOf(2)) {
    bootstrapCluster(this.store, nodes, { machine: MACHINE, namespaces: CALICO_NAMESPACES });
    const controllers = startControllers(this.store, {
      cni: calicoControllers({ ipam: this.ipam, ipam6: this.ipam6, nodePrefixLength: { 4: 16, 6: 64 } }),
      onError: (error) => this.errors.push(error),
    });
    this.#stops.push(() => controllers.stop(), this.#runKubelets());
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  installCalico(pool: Record<string, unknown> = {}): void {
    const ipPool = { cidr: '192.168.0.0/16', encapsulation: 'VXLAN', natOutgoing: 'Enabled', ...pool };
    this.store.create({
      apiVersion: 'operator.tigera.io/v1',
      kind: 'Installation',
      metadata: { name: 'default' },
      spec: { calicoNetwork: { ipPools: [ipPool] } },
    });
  }

  /** Goes on until nothing changes any more. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let turns = 0; quiet < 5; turns += 1) {
      if (turns > 20_000) throw new Error('the controllers do not come to rest');
      const before = this.store.version;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.store.version === before ? quiet + 1 : 0;
    }
    if (this.errors.length > 0) throw this.errors[0];
  }

  get<K extends keyof Kinds>(kind: K, name: string, namespace?: string): Kinds[K] {
    const object = this.store.get(kind, namespace, name);
    if (!object) throw new Error(`no ${kind} ${name}`);
    return object as Kinds[K];
  }

  /** Pods with these labels; Calico's own only where asked for. */
  pods(labels: Record<string, string> = {}): Pod[] {
    return (this.store.list('Pod') as Pod[]).filter(
      (pod) =>
        isCalicoNode(pod) === 'k8s-app' in labels &&
        Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value),
    );
  }

  #runKubelets(): () => void {
    return this.store.watch('Pod', ({ type, object }) => {
      for (const check of this.onPodChange) check(this.pods());
      if (type !== 'DELETED') setImmediate(() => this.#syncPod(object as Pod));
    });
  }

  #syncPod({ metadata }: Pod): void {
    const pod = this.store.get('Pod', metadata.namespace, metadata.name) as Pod | undefined;
    if (!pod?.spec?.nodeName || pod.metadata.uid !== metadata.uid) return;
    const handle = `${metadata.namespace}/${metadata.name}`;
    if (pod.metadata.deletionTimestamp) {
      this.ipam.release(handle);
      this.store.remove('Pod', metadata.namespace, metadata.name);
      return;
    }
    const ready = this.failing !== undefined && metadata.name.startsWith(this.failing) ? 'False' : 'True';
    const podIP = pod.spec.hostNetwork || !this.ipam.pool ? '10.0.0.1' : this.ipam.assign(pod.spec.nodeName, handle);
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    pod.status = { ...pod.status, phase: 'Running', podIP, conditions: [...others, { type: 'Ready', status: ready }] };
    this.store.update(pod);
  }
}

export function podObject(
  name: string,
  spec: Partial<PodSpec> = {},
  metadata: Partial<KubeObject['metadata']> = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, ...metadata },
    spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
    status: { phase: 'Pending' },
  };
}

export function nodeObject(name: string, spec: Node['spec'] = {}, labels: Record<string, string> = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { pods: '110' } },
  };
}

export function daemonSetObject(name: string, spec: Partial<PodSpec> = {}): DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, generation: 1 },
    spec: { selector: { matchLabels: { app: name } }, template: template(name, spec) },
  };
}

export function deploymentObject(name: string, replicas: number, spec: Partial<PodSpec> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name, spec) },
  };
}

/** Changes what `kubectl rollout restart` changes. */
export function restart(store: Store, kind: 'DaemonSet' | 'Deployment', name: string, at: string): void {
  store.modify(kind, 'default', name, (object) => {
    const { metadata } = (object as Deployment | DaemonSet).spec?.template ?? {};
    if (metadata) metadata.annotations = { ...metadata.annotations, 'kubectl.kubernetes.io/restartedAt': at };
  });
}

/** Anti-affinity to the pods of these apps, on one node. */
export function apartFrom(...apps: string[]): PodSpec['affinity'] {
  const labelSelector = { matchExpressions: [{ key: 'app', operator: 'In', values: apps }] };
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector };
  return { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
}

/** Whether `kubectl rollout status` would call it done. */
export function isRolledOut(object: DaemonSet | Deployment): boolean {
  const { status, metadata, spec } = object;
  if (!status || metadata.generation !== status.observedGeneration) return false;
  if ('desiredNumberScheduled' in status) {
    const { desiredNumberScheduled: desired } = status;
    return status.updatedNumberScheduled === desired && status.numberAvailable === desired;
  }
  const wanted = (spec as Deployment['spec'])?.replicas ?? 1;
  return [status.updatedReplicas, status.replicas, status.availableReplicas].every((count) => count === wanted);
}

function template(app: string, spec: Partial<PodSpec>) {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } };
}
