import type { Readable } from 'node:stream';
import type { KubeObject } from '../../kube/object.ts';
import type { Recorder } from '../../kube-api/controllers/events.ts';
import { hostsEntries } from '../../kube-api/controllers/services.ts';
import { type LogOptions, type PodRuntime, RuntimeRefusal } from '../../kube-api/runtime.ts';
import type { Store } from '../../kube-api/store.ts';
import type { RemoteProcess, RunOptions } from '../../process/remote-process.ts';
import { startProcess } from '../../process/tool.ts';
import type { LinuxHost } from './node/linux-hosts.ts';
import type { NodeNamespaces } from './node/node-namespaces.ts';
import type { PodSpec } from './pod/pod-plan.ts';
import { now } from './pod/pod-status.ts';
import { type PodNetwork, PodWorker } from './pod/pod-worker.ts';
import { type Part, ShownPod } from './pod/shown-pod.ts';

/** Kubernetes' words for a node that has stopped posting its status (kubernetes, pkg/controller/nodelifecycle). */
const SILENT = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };

/**
 * Runs the pods that are bound to the lab's nodes: one for all nodes, since all of them are on this machine. Also the door
 * through which the API server reaches containers and nodes.
 */
export class Kubelet implements PodRuntime {
  readonly #store: Store;
  readonly #nodes: ReadonlyMap<string, NodeNamespaces>;
  readonly #hosts: ReadonlyMap<string, LinuxHost>;
  readonly #networkOf: (node: string) => PodNetwork;
  readonly #partOf: (pod: KubeObject) => Part | undefined;
  readonly #record: Recorder;
  readonly #log: (message: string) => void;
  readonly #workers = new Map<string, PodWorker | ShownPod>();
  /** The pods that end or have ended by their uid, and the time that they were given, in seconds. */
  readonly #ending = new Map<string, number>();

  constructor(options: {
    store: Store;
    nodes: ReadonlyMap<string, NodeNamespaces>;
    /** Plain hosts next to the cluster, on which nothing is ever scheduled. */
    hosts: ReadonlyMap<string, LinuxHost>;
    networkOf: (node: string) => PodNetwork;
    /** The part of the engine that a pod stands for, where it is one that runs nothing. */
    partOf: (pod: KubeObject) => Part | undefined;
    record: Recorder;
    log: (message: string) => void;
  }) {
    this.#store = options.store;
    this.#nodes = options.nodes;
    this.#hosts = options.hosts;
    this.#networkOf = options.networkOf;
    this.#partOf = options.partOf;
    this.#record = options.record;
    this.#log = options.log;
  }

  start(): void {
    this.#store.watch('Pod', ({ type, object }) => {
      // One may be gone before its kubelet ended it: by force, or since its containers had ended by themselves.
      if (type === 'DELETED') this.#stop(object, 0);
      else this.#look(object);
    });
    for (const pod of this.#store.list('Pod')) this.#look(pod);
    this.#store.watch('Endpoints', () => this.#renewHosts());
    // A node is ready for pods of its own network only once Calico is there: what waited is looked at again then.
    this.#store.watch('Node', () => {
      for (const pod of this.#store.list('Pod')) this.#look(pod);
    });
  }

  exec(pod: KubeObject, container: string, argv: readonly string[], options: RunOptions): RemoteProcess {
    return this.#worker(pod).exec(container, argv, options);
  }

  logs(pod: KubeObject, container: string, options: LogOptions): Readable {
    return this.#worker(pod).logs(container, options);
  }

  /** Runs a command on a node or a host. `programs` is a folder that comes first on its PATH. */
  execOnNode(name: string, argv: readonly string[], options: RunOptions, programs?: string): RemoteProcess {
    const host = this.#hosts.get(name);
    const node = host?.namespaces ?? this.#nodes.get(name);
    if (!node?.isAlive) throw new RuntimeRefusal(`node ${name} does not run`);
    const path = programs === undefined ? {} : { PATH: `${programs}:${process.env.PATH}` };
    return startProcess(node.enter(argv), options, { ...process.env, ...host?.env, ...path });
  }

  isHost(name: string): boolean {
    return this.#hosts.has(name);
  }

  /** A node whose namespaces have ended by themselves: it says nothing any more, as the node controller puts it, and cannot come back. */
  loseNode(name: string): void {
    this.#log(`node ${name} is lost: its first process ended`);
    const at = now();
    this.#store.modify('Node', undefined, name, (node) => {
      const conditions = (node.status?.conditions ?? []) as { type: string; status: string }[];
      const unknown = { status: 'Unknown', lastTransitionTime: at, ...SILENT };
      node.status = { ...node.status, conditions: conditions.map((one) => ({ ...one, ...unknown })) };
      // Kubernetes gives a silent node time; this one cannot come back, and nobody need wait for it.
      node.metadata.annotations = { ...node.metadata.annotations, 'wglab.dev/lost': 'its first process ended' };
    });
    for (const pod of this.#store.list('Pod')) {
      if (pod.spec?.nodeName !== name) continue;
      this.#workers.get(pod.metadata.uid ?? '')?.lose();
      const { namespace, name: podName } = pod.metadata;
      this.#store.modify('Pod', namespace, podName, (object) => {
        object.status = { ...object.status, reason: 'NodeLost', message: `its node ${name} has ended` };
      });
    }
  }

  #worker(pod: KubeObject): PodWorker | ShownPod {
    const worker = this.#workers.get(pod.metadata.uid ?? '');
    if (!worker) throw new RuntimeRefusal(`pod ${pod.metadata.name} does not run yet`);
    return worker;
  }

  #look(pod: KubeObject): void {
    const { uid = '', deletionTimestamp } = pod.metadata;
    const spec = pod.spec as unknown as PodSpec;
    if (!spec.nodeName || !this.#nodes.has(spec.nodeName)) return;
    if (deletionTimestamp) this.#stop(pod, pod.metadata.deletionGracePeriodSeconds ?? 30);
    else if (!this.#workers.has(uid) && !this.#ending.has(uid) && this.#canStart(spec)) this.#start(pod);
  }

  #canStart(spec: PodSpec): boolean {
    if (spec.hostNetwork) return true; // it needs no network but the node's own
    const node = this.#store.get('Node', undefined, spec.nodeName ?? '');
    const conditions = (node?.status?.conditions ?? []) as { type: string; status: string }[];
    return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  }

  #start(pod: KubeObject): void {
    const { uid = '', name, namespace } = pod.metadata;
    const network = this.#networkOf((pod.spec as unknown as PodSpec).nodeName ?? '');
    const event = (type: 'Normal' | 'Warning', reason: string, message: string) =>
      this.#record('kubelet', pod, type, reason, message);
    const part = this.#partOf(pod);
    const worker = part ? new ShownPod(this.#store, pod, part) : new PodWorker(this.#store, pod, network, event);
    this.#workers.set(uid, worker);
    const started = worker.start();
    (worker instanceof ShownPod
      ? started
      : started.then(() => worker.writeHosts(hostsEntries(this.#store, namespace ?? 'default')))
    ).catch((error) => this.#log(`start of pod ${name}: ${error}`));
  }

  /** Ends a pod within this time; asked again with less, it ends sooner. */
  #stop(pod: KubeObject, graceSeconds: number): void {
    const { uid = '', name } = pod.metadata;
    const before = this.#ending.get(uid);
    if (before !== undefined && graceSeconds >= before) return;
    this.#ending.set(uid, graceSeconds);
    this.#end(pod, graceSeconds).catch((error) => this.#log(`stop of pod ${name}: ${error}`));
  }

  async #end(pod: KubeObject, graceSeconds: number): Promise<void> {
    const { uid = '', namespace, name } = pod.metadata;
    await this.#workers.get(uid)?.stop(graceSeconds * 1000);
    this.#workers.delete(uid);
    if (this.#store.get('Pod', namespace, name)?.metadata.uid === uid) this.#store.remove('Pod', namespace, name);
  }

  /** Services are found by name through /etc/hosts: written again in every pod when the pods behind a Service change. */
  #renewHosts(): void {
    for (const pod of this.#store.list('Pod')) {
      const worker = this.#workers.get(pod.metadata.uid ?? '');
      if (worker === undefined || worker instanceof ShownPod) continue;
      const lines = hostsEntries(this.#store, pod.metadata.namespace ?? 'default');
      worker.writeHosts(lines).catch((error) => this.#log(`hosts of pod ${pod.metadata.name}: ${error}`));
    }
  }
}
