import { mkdir, writeFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { KubeObject } from '../../../kube/object.ts';
import type { ContainerLog } from '../../../kube-api/container-log.ts';
import { type LogOptions, RuntimeRefusal } from '../../../kube-api/runtime.ts';
import type { Store } from '../../../kube-api/store.ts';
import type { RemoteProcess, RunOptions } from '../../../process/remote-process.ts';
import type { NodeNamespaces } from '../node/node-namespaces.ts';
import { type Container, startContainer } from './container.ts';
import { nodeRunFolder } from './image.ts';
import { hostsFile, makeRoot, makeVolumes, placesOf, podFolder, removePodFiles, type Volume } from './pod-files.ts';
import { argvOf, type ContainerSpec, environmentOf, PodProblem, type PodSpec, pullImage } from './pod-plan.ts';
import { type ContainerState, now, podStatus } from './pod-status.ts';
import { createSandbox, joinNode, type Sandbox } from './sandbox.ts';

/** A pod's needs of its node: an address and a wire. */
export interface PodNetwork {
  /** The node's own, IPv4's first. */
  hostAddresses: readonly string[];
  /** For pods that use the node's own network. */
  node: NodeNamespaces | undefined;
  /** Assigns the pod's addresses, IPv4's first, and connects its sandbox; throws if none is free. */
  attach(pod: KubeObject, sandbox: Sandbox): Promise<readonly string[]>;
  detach(pod: KubeObject): Promise<void>;
}

export type RecordEvent = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

interface Slot extends ContainerState {
  container?: Container;
  previous?: ContainerLog;
}

/** Kubernetes' own back-off between restarts: 10 s, doubled each time, 5 min at most. */
const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 300_000;

/** Runs one pod on one node from its sandbox to its end, and keeps its status in the store true. */
export class PodWorker {
  readonly #store: Store;
  readonly #pod: KubeObject;
  readonly #network: PodNetwork;
  readonly #slots: Slot[];
  readonly #initSlots: Slot[];
  readonly #event: RecordEvent;
  #sandbox: Sandbox | undefined;
  #attaching: Promise<readonly string[]> | undefined;
  #addresses: readonly string[] = [];
  #stopping = false;
  #timers = new Set<NodeJS.Timeout>();

  constructor(store: Store, pod: KubeObject, network: PodNetwork, event: RecordEvent) {
    this.#store = store;
    this.#pod = pod;
    this.#network = network;
    this.#event = event;
    const spec = pod.spec as unknown as PodSpec;
    const slot = (container: ContainerSpec): Slot => ({ spec: container, state: 'waiting', restartCount: 0 });
    this.#slots = spec.containers.map(slot);
    this.#initSlots = (spec.initContainers ?? []).map(slot);
  }

  /** Brings the pod up. Problems show in its status and events, as with the kubelet; it does not throw. */
  async start(): Promise<void> {
    this.#report();
    try {
      for (const { spec } of [...this.#initSlots, ...this.#slots]) pullImage(spec.image);
      await mkdir(podFolder(this.#pod), { recursive: true });
      await writeFile(hostsFile(this.#pod), '127.0.0.1 localhost\n');
      const node = (this.#pod.spec as unknown as PodSpec).hostNetwork ? this.#network.node : undefined;
      const podName = this.#pod.metadata.name;
      const sandbox = await (node ? joinNode(podName, node) : createSandbox(podName));
      this.#sandbox = sandbox;
      if (this.#stopping) return sandbox.end();
      sandbox.ended.then(() => this.#renewSandbox(sandbox)).catch((error) => this.#fail(error));
      this.#attaching = node ? undefined : this.#network.attach(this.#pod, sandbox);
      const [addresses, volumes] = await Promise.all([
        this.#attaching ?? this.#network.hostAddresses,
        makeVolumes(this.#store, this.#pod),
      ]);
      this.#addresses = addresses;
      for (const slot of this.#initSlots) if (!(await this.#runToEnd(slot, volumes))) return;
      await Promise.all(this.#slots.map((slot) => this.#run(slot, volumes)));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the pod's processes within `graceMs`, gives its address back, and removes its files. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const slots = [...this.#initSlots, ...this.#slots].filter(({ state }) => state === 'running');
    for (const { spec } of slots) this.#event('Normal', 'Killing', `Stopping container ${spec.name}`);
    for (const timer of this.#timers) clearTimeout(timer);
    const running = this.#containers();
    const ended = Promise.all(running.map(({ exited }) => exited));
    for (const container of running) container.stop();
    const late = setTimeout(() => {
      for (const container of running) container.kill();
    }, graceMs);
    await ended;
    clearTimeout(late);
    // Else what is being attached would stay behind, and Felix would look for its interface for ever.
    await this.#attaching?.catch(() => undefined);
    await this.#network.detach(this.#pod);
    this.#sandbox?.end();
    await removePodFiles(this.#pod);
  }

  /** Its node is gone, and the pod with it: nothing of it runs any more, and it is not started again. */
  lose(): void {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const container of this.#containers()) container.kill();
    this.#sandbox?.end();
    const gone = { state: 'terminated', exitCode: 137, reason: 'ContainerStatusUnknown', finishedAt: now() };
    for (const slot of this.#slots) Object.assign(slot, gone);
    this.#report();
  }

  exec(name: string, argv: readonly string[], options: RunOptions): RemoteProcess {
    const slot = this.#slot(name);
    if (slot.state !== 'running' || !slot.container) throw new RuntimeRefusal(`container not running (${name})`);
    return slot.container.exec(argv, options);
  }

  logs(name: string, options: LogOptions): Readable {
    const slot = this.#slot(name);
    const log = options.previous ? slot.previous : slot.container?.log;
    if (log) return log.read(options);
    const { metadata } = this.#pod;
    throw new RuntimeRefusal(
      options.previous
        ? `previous terminated container "${name}" in pod "${metadata.name}" not found`
        : `container "${name}" in pod "${metadata.name}" is waiting to start: ${slot.reason ?? 'ContainerCreating'}`,
    );
  }

  /** Writes the pod's /etc/hosts, again whenever Services change. */
  async writeHosts(lines: readonly string[]): Promise<void> {
    if (!this.#sandbox || this.#stopping) return;
    const own = this.#addresses.map((address) => `${address} ${this.#pod.metadata.name}`);
    await writeFile(hostsFile(this.#pod), `${['127.0.0.1 localhost', ...own, ...lines].join('\n')}\n`);
  }

  /** The pod's network is gone with its sandbox: its containers are ended and all of it is made again, as the kubelet does. */
  async #renewSandbox(lost: Sandbox): Promise<void> {
    if (this.#stopping || this.#sandbox !== lost) return;
    this.#sandbox = undefined;
    this.#event('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    const running = this.#containers();
    for (const container of running) container.kill();
    await Promise.all(running.map(({ exited }) => exited));
    await this.#network.detach(this.#pod);
    this.#addresses = [];
    if (!this.#stopping) await this.start();
  }

  /** A pod in the node's network sees the node's /run, where wireguard-go has its socket: `wg` works there as with the kernel's. */
  #nodeFixtures(): { source: string; target: string }[] {
    const { hostNetwork, nodeName = '' } = this.#pod.spec as unknown as PodSpec;
    return hostNetwork ? [{ source: nodeRunFolder(nodeName), target: '/run' }] : [];
  }

  #containers(): Container[] {
    return [...this.#initSlots, ...this.#slots].flatMap(({ container }) => container ?? []);
  }

  #slot(name: string): Slot {
    const slot = [...this.#slots, ...this.#initSlots].find(({ spec }) => spec.name === name);
    if (!slot) throw new RuntimeRefusal(`container ${name} is not valid for pod ${this.#pod.metadata.name}`);
    return slot;
  }

  async #run(slot: Slot, volumes: ReadonlyMap<string, Volume>): Promise<void> {
    const container = await this.#launch(slot, volumes);
    if (!container) return;
    container.exited.then((status) => this.#ended(slot, status, volumes)).catch((error) => this.#fail(error));
  }

  async #runToEnd(slot: Slot, volumes: ReadonlyMap<string, Volume>): Promise<boolean> {
    for (;;) {
      const container = await this.#launch(slot, volumes);
      if (!container) return false;
      const status = await container.exited;
      if (this.#stopping) return false;
      this.#terminated(slot, status);
      if (status === 0) return true;
      if ((this.#pod.spec as unknown as PodSpec).restartPolicy === 'Never') return false;
      await new Promise<void>((resolve) => this.#later(slot, resolve));
    }
  }

  async #launch(slot: Slot, volumes: ReadonlyMap<string, Volume>): Promise<Container | undefined> {
    const sandbox = this.#sandbox;
    if (!sandbox || this.#stopping) return undefined;
    const environment = environmentOf(this.#store, this.#pod, slot.spec, this.#addresses);
    const places = placesOf(slot.spec, volumes);
    const root = makeRoot(this.#pod, slot.spec, slot.restartCount);
    slot.previous = slot.container?.log;
    const container = startContainer(sandbox, {
      root,
      image: pullImage(slot.spec.image),
      privileged: slot.spec.securityContext?.privileged === true,
      environment,
      argv: argvOf(slot.spec, environment),
      workingFolder: slot.spec.workingDir ?? '/',
      fixtures: [{ source: hostsFile(this.#pod), target: '/etc/hosts' }, ...this.#nodeFixtures()],
      volumes: places,
    });
    slot.container = container;
    await container.entered;
    if (this.#stopping) return undefined;
    Object.assign(slot, { state: 'running', startedAt: now(), reason: undefined, message: undefined });
    this.#event('Normal', 'Pulled', `Container image "${slot.spec.image}" already present on machine`);
    this.#event('Normal', 'Created', `Created container: ${slot.spec.name}`);
    this.#event('Normal', 'Started', `Started container ${slot.spec.name}`);
    this.#report();
    return container;
  }

  #ended(slot: Slot, status: number, volumes: ReadonlyMap<string, Volume>): void {
    if (this.#stopping) return;
    this.#terminated(slot, status);
    const policy = (this.#pod.spec as unknown as PodSpec).restartPolicy ?? 'Always';
    if (policy === 'Never' || (policy === 'OnFailure' && status === 0)) return;
    this.#later(slot, () => this.#run(slot, volumes).catch((error) => this.#fail(error)));
  }

  #terminated(slot: Slot, exitCode: number): void {
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    Object.assign(slot, { state: 'terminated', exitCode, reason, finishedAt: now() });
    this.#report();
  }

  /** Restarts a container: at once the first time, then after the back-off, waiting as CrashLoopBackOff meanwhile. */
  #later(slot: Slot, restart: () => void): void {
    const { exitCode = 0, reason = 'Error', startedAt, finishedAt } = slot;
    slot.last = { exitCode, reason, ...(startedAt ? { startedAt } : {}), ...(finishedAt ? { finishedAt } : {}) };
    slot.restartCount += 1;
    if (slot.restartCount === 1) {
      restart();
      return;
    }
    const delay = Math.min(FIRST_BACKOFF_MS * 2 ** (slot.restartCount - 2), LONGEST_BACKOFF_MS);
    const message = `back-off ${delay / 1000}s restarting failed container=${slot.spec.name} pod=${this.#pod.metadata.name}`;
    Object.assign(slot, { state: 'waiting', reason: 'CrashLoopBackOff', message });
    this.#event('Warning', 'BackOff', `Back-off restarting failed container ${slot.spec.name}`);
    this.#report();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      restart();
    }, delay);
    this.#timers.add(timer);
  }

  #fail(error: unknown): void {
    if (this.#stopping) return;
    const reason = error instanceof PodProblem ? error.reason : 'FailedCreatePodSandBox';
    const message = error instanceof Error ? error.message : String(error);
    for (const slot of this.#slots) if (slot.state === 'waiting') Object.assign(slot, { reason, message });
    this.#event('Warning', error instanceof PodProblem ? 'Failed' : reason, message);
    this.#report();
  }

  #report(): void {
    const { namespace, name, uid } = this.#pod.metadata;
    this.#store.modify('Pod', namespace, name, (pod) => {
      if (pod.metadata.uid !== uid) return;
      const addresses = { host: this.#network.hostAddresses, pod: this.#addresses };
      pod.status = podStatus(pod, this.#slots, this.#initSlots, addresses);
    });
  }
}
