import type { Readable } from 'node:stream';
import type { KubeObject } from '../kube/object.ts';
import type { RemoteProcess, RunOptions } from '../process/remote-process.ts';

/** The options of `kubectl logs`. */
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

/** The API server's way to the kubelets: the only door from the API to processes. */
export interface PodRuntime {
  /** Starts a command in a container of a pod; throws RuntimeRefusal where the container does not run. */
  exec(pod: KubeObject, container: string, argv: readonly string[], options: RunOptions): RemoteProcess;
  /** The output of a container; throws RuntimeRefusal where there is none. Destroying the stream ends following. */
  logs(pod: KubeObject, container: string, options: LogOptions): Readable;
  /** Starts a command on a node itself, as `docker exec` does on a kind node: wglab's own path next to Kubernetes' API. */
  execOnNode(node: string, argv: readonly string[], options: RunOptions): RemoteProcess;
  /** Returns whether it is a plain host next to the cluster, of which Kubernetes knows nothing. */
  isHost(name: string): boolean;
}

/** The runtime cannot do it, for a reason the caller should read: becomes a 400 BadRequest. */
export class RuntimeRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RuntimeRefusal';
  }
}
