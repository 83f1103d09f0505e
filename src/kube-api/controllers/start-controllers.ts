import type { Store } from '../store.ts';
import type { ControllerContext } from './controller.ts';
import { runDaemonSets } from './daemonset.ts';
import { runDeployments } from './deployment.ts';
import { eventRecorder, type Recorder } from './events.ts';
import type { Kinds } from './kinds.ts';
import { randomSuffix } from './names.ts';
import { runNamespaces } from './namespaces.ts';
import { runNodeLifecycle } from './node-lifecycle.ts';
import { ObjectCache } from './object-cache.ts';
import { runReplicaSets } from './replicaset.ts';
import { runScheduler } from './scheduler.ts';
import { runServices } from './services.ts';

/** The controllers of a CNI, which makes the nodes ready. */
export interface CniControllers {
  /** The kinds that they read from the shared cache, beyond Kubernetes' own. */
  readonly kinds: readonly (keyof Kinds)[];
  /** Starts them. Returns the function that stops them. */
  run(context: ControllerContext): () => void;
}

export interface ControllerOptions {
  cni: CniControllers;
  /** Receives an error with one object, and what was being done; the controllers go on. */
  onError: (error: unknown, doing: string) => void;
  /** The random end of pods' names. */
  suffix?: () => string;
  now?: () => Date;
  /** Shared with the kubelets: two recorders could use one name for two events. */
  record?: Recorder;
}

/** Kubernetes' own kinds that the controllers read. */
const KINDS = [
  'DaemonSet',
  'Deployment',
  'Endpoints',
  'EndpointSlice',
  'Namespace',
  'Node',
  'Pod',
  'ReplicaSet',
  'Service',
  'ServiceAccount',
] as const;

/** Starts the whole control plane but the API server on a store. It works only after changes: it has no timers. */
export function startControllers(store: Store, options: ControllerOptions): { stop(): void } {
  const { cni, onError, suffix = randomSuffix, now = () => new Date() } = options;
  const { record = eventRecorder(store, now) } = options;
  // Before the controllers, so that it knows of each change before they do.
  const cache = new ObjectCache(store, [...new Set([...KINDS, ...cni.kinds])]);
  const context: ControllerContext = { store, cache, record, now, suffix, onError };
  const stops = [
    cni.run(context),
    runNodeLifecycle(context),
    runNamespaces(context),
    runDeployments(context),
    runReplicaSets(context),
    runDaemonSets(context),
    runScheduler(context),
    runServices(context),
  ];
  return {
    stop() {
      for (const stop of stops) stop();
      cache.stop();
    },
  };
}
