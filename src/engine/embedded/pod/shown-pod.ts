import type { Readable } from 'node:stream';
import { messageOf } from '../../../errors.ts';
import type { KubeObject } from '../../../kube/object.ts';
import type { LogOptions } from '../../../kube-api/runtime.ts';
import type { Store } from '../../../kube-api/store.ts';
import type { RemoteProcess, RunOptions } from '../../../process/remote-process.ts';
import type { PodSpec } from './pod-plan.ts';
import { type ContainerState, now, podStatus } from './pod-status.ts';

/** Kubernetes' own back-off before the first restart. */
const BACK_OFF_MS = 10_000;

/** The part of the engine behind a pod that runs no process of its own. */
export interface Part {
  hostAddresses: readonly string[];
  /** Its pod is there, for the first time or again. Throws, or rejects, with the reason if the part cannot run. */
  begin(): void | Promise<void>;
  logs(options: LogOptions): Readable;
  exec(argv: readonly string[], options: RunOptions): RemoteProcess;
}

/**
 * A pod of a part of the cluster that is the engine's own: no processes run in it, it is ready as soon as its part has begun, its
 * log is that part's, and a command in it runs on the node, whose network and files such a pod has.
 */
export class ShownPod {
  readonly #store: Store;
  readonly #pod: KubeObject;
  readonly #part: Part;
  readonly #containers: ContainerState[];
  #stopped = false;
  #again: NodeJS.Timeout | undefined;

  constructor(store: Store, pod: KubeObject, part: Part) {
    this.#store = store;
    this.#pod = pod;
    this.#part = part;
    const { containers } = pod.spec as unknown as PodSpec;
    this.#containers = containers.map((spec) => ({ spec, state: 'waiting', restartCount: 0 }));
  }

  async start(): Promise<void> {
    try {
      await this.#part.begin();
      for (const container of this.#containers) Object.assign(container, { state: 'running', startedAt: now() });
    } catch (error) {
      this.#crashed(messageOf(error));
    }
    if (!this.#stopped) this.#report();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#again);
  }

  /** The part ended at once: it is started again after a while, as the kubelet does. */
  #crashed(message: string): void {
    for (const container of this.#containers) {
      const last = { exitCode: 1, reason: 'Error', finishedAt: now() };
      const restartCount = container.restartCount + 1;
      Object.assign(container, { state: 'waiting', reason: 'CrashLoopBackOff', message, restartCount, last });
    }
    if (this.#stopped) return;
    this.#again = setTimeout(() => void this.start(), BACK_OFF_MS);
    this.#again.unref();
  }

  /** Its node is gone. */
  lose(): void {
    const gone = { state: 'terminated', exitCode: 137, reason: 'ContainerStatusUnknown', finishedAt: now() } as const;
    for (const container of this.#containers) Object.assign(container, gone);
    this.#report();
  }

  exec(_container: string, argv: readonly string[], options: RunOptions): RemoteProcess {
    return this.#part.exec(argv, options);
  }

  logs(_container: string, options: LogOptions): Readable {
    return this.#part.logs(options);
  }

  #report(): void {
    const { namespace, name, uid } = this.#pod.metadata;
    const { hostAddresses: host } = this.#part;
    this.#store.modify('Pod', namespace, name, (pod) => {
      if (pod.metadata.uid === uid) pod.status = podStatus(pod, this.#containers, [], { host, pod: host });
    });
  }
}
