import type { Readable } from 'node:stream';
import type { KubeObject } from '../kube/object.ts';
import type { RemoteProcess, RunOptions } from '../process/remote-process.ts';

/** What `kubectl logs` can ask for. */
export interface LogOptions {
  follow: boolean;
  timestamps: boolean;
  /** The last lines only; all that is kept where undefined. */
  tailLines?: number;
  sinceSeconds?: number;
  limitBytes?: number;
  /** The container's run before the present one. */
  previous: boolean;
}

/** What the API server asks of the kubelets: the only door from the API to processes. */
export interface PodRuntime {
  /** Starts a command in a container of a pod; throws RuntimeRefusal where the container does not run. */
  exec(pod: KubeObject, container: string, argv: readonly string[], options: RunOptions): RemoteProcess;
  /** The output of a container; throws RuntimeRefusal where there is none. Destroying the stream ends following. */
  logs(pod: KubeObject, container: string, options: LogOptions): Readable;
  /** Starts a command on a node itself, as `docker exec` does on a kind node: wglab's own path beside Kubernetes' API. */
  execOnNode(node: string, argv: readonly string[], options: RunOptions): RemoteProcess;
  /** Whether it is a plain host beside the cluster, of which Kubernetes knows nothing. */
  isHost(name: string): boolean;
}

/** The runtime cannot do it, for a reason the caller should read: becomes a 400 BadRequest. */
export class RuntimeRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RuntimeRefusal';
  }
}
