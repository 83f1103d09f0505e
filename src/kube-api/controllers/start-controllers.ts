import { Ipam } from '../../cni/calico/controllers/ipam.ts';
import { runCalico } from '../../cni/calico/controllers/operator.ts';
import type { Store } from '../store.ts';
import type { ControllerContext } from './controller.ts';
import { runDaemonSets } from './daemonset.ts';
import { runDeployments } from './deployment.ts';
import { eventRecorder, type Recorder } from './events.ts';
import { randomSuffix } from './names.ts';
import { runNamespaces } from './namespaces.ts';
import { runNodeLifecycle } from './node-lifecycle.ts';
import { ObjectCache } from './object-cache.ts';
import { runReplicaSets } from './replicaset.ts';
import { runScheduler } from './scheduler.ts';
import { runServices } from './services.ts';

export interface ControllerOptions {
  /** Shared with the kubelets, which take the pods' addresses from it. Its pool is set from the Installation. */
  ipam: Ipam;
  /** The same for IPv6, where the cluster has an IPv6 pool. */
  ipam6?: Ipam;
  /** Told of an error with one object, and what was being done; the controllers go on. */
  onError: (error: unknown, doing: string) => void;
  /** Prefix length of the IPv4 network that the nodes are on; 16, as of Docker's network `kind`. */
  nodePrefixLength?: number;
  /** The random end of pods' names. */
  suffix?: () => string;
  now?: () => Date;
  /** Shared with the kubelets, where there are some: two recorders could give two events one name. */
  record?: Recorder;
}

/** Of Docker's network `kind`. */
const NODE_PREFIX_LENGTH_6 = 64;

/** Starts the whole control plane but the API server on a store. It works only after changes: no timers, nothing to wait for. */
export function startControllers(store: Store, options: ControllerOptions): { stop(): void } {
  const {
    ipam,
    ipam6 = new Ipam(),
    onError,
    nodePrefixLength = 16,
    suffix = randomSuffix,
    now = () => new Date(),
  } = options;
  const { record = eventRecorder(store, now) } = options;
  // Before the controllers, so that it knows of each change before they do.
  const cache = new ObjectCache(store, [
    'BlockAffinity',
    'DaemonSet',
    'Deployment',
    'Endpoints',
    'EndpointSlice',
    'FelixConfiguration',
    'Installation',
    'IPPool',
    'Namespace',
    'Node',
    'Pod',
    'ReplicaSet',
    'Service',
    'ServiceAccount',
    'TigeraStatus',
  ]);
  const context: ControllerContext = { store, cache, record, now, suffix, onError };
  const stops = [
    runCalico(context, { ipam, ipam6, nodePrefixLength: { 4: nodePrefixLength, 6: NODE_PREFIX_LENGTH_6 } }),
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
