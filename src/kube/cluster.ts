import { Agent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import {
  ApiException,
  createConfiguration,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
  type RequestContext,
  ServerConfiguration,
  type V1Node,
  type V1Pod,
  Watch,
} from '@kubernetes/client-node';
import type { RemoteProcess, RunOptions } from '../engine/remote-process.ts';
import { Failure, labFailure, lackingFailure } from '../errors.ts';
import { openExec } from './exec.ts';

/** An object by its kind and name; cluster-wide kinds have no namespace. */
export interface ObjectReference {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

export interface AppliedObject extends ObjectReference {
  [field: string]: unknown;
}

/** What kubectl keeps to see later what it applied: with it, `kubectl apply` of the same file finds nothing to change. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** A cluster, through its Kubernetes API: the one way in for every engine. */
export class Cluster {
  readonly server: string;
  readonly #config: KubeConfig;
  readonly #objects: KubernetesObjectApi;

  private constructor(config: KubeConfig, server: string) {
    this.#config = config;
    this.server = server;
    this.#objects = new KubernetesObjectApi(
      createConfiguration({
        baseServer: new ServerConfiguration(server, {}),
        authMethods: { default: keepingAlive(config) },
        promiseMiddleware: [{ pre: async (request) => strictly(request), post: async (response) => response }],
      }),
    );
  }

  /** Reads a kubeconfig, with its current context or another. Throws Failure 4 where it is missing or names no cluster. */
  static connect(kubeconfig: string, context?: string): Cluster {
    const config = new KubeConfig();
    try {
      config.loadFromFile(kubeconfig);
    } catch (error) {
      throw lackingFailure(`cannot read the kubeconfig ${kubeconfig}`, {
        cause: error,
        remedy: 'deploy the lab again',
      });
    }
    if (context) config.setCurrentContext(context);
    const server = config.getCurrentCluster()?.server;
    if (!server) throw lackingFailure(`${kubeconfig} has no cluster for context "${config.getCurrentContext()}"`);
    return new Cluster(config, server);
  }

  async nodes(): Promise<V1Node[]> {
    return (await this.list<V1Node>('v1', 'Node')).items;
  }

  async pods(labelSelector?: string): Promise<V1Pod[]> {
    return (await this.list<V1Pod>('v1', 'Pod', undefined, labelSelector)).items;
  }

  list<T extends KubernetesObject>(apiVersion: string, kind: string, namespace?: string, labelSelector?: string) {
    return this.#ask<KubernetesListObject<T>>(`list ${kind}`, () =>
      this.#objects.list<T>(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labelSelector),
    );
  }

  /** Gives an object, or undefined where there is none (of that name, or of that kind). */
  async get<T extends KubernetesObject>(reference: ObjectReference): Promise<T | undefined> {
    try {
      return (await this.#objects.read(reference)) as unknown as T;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw asFailure(`get ${reference.kind} ${reference.metadata.name}`, error);
    }
  }

  /**
   * Creates an object, or brings an existing one to what is asked, as `kubectl apply` does for files without lists that
   * others change. Says which it was. Throws Failure 5 with the server's words.
   */
  async apply(object: AppliedObject): Promise<'created' | 'configured' | 'unchanged'> {
    const applied = JSON.stringify(object);
    const metadata = object.metadata as AppliedObject['metadata'] & { annotations?: Record<string, string> };
    const wanted = {
      ...object,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [LAST_APPLIED]: applied } },
    };
    try {
      await this.#objects.create(wanted);
      return 'created';
    } catch (error) {
      if (!(error instanceof ApiException) || error.code !== 409) throw asFailure(`create ${nameOf(object)}`, error);
    }
    const present = await this.get<KubernetesObject>(object);
    if (present?.metadata?.annotations?.[LAST_APPLIED] === applied) return 'unchanged';
    await this.patch(object, wanted);
    return 'configured';
  }

  /** JSON merge patch, as `kubectl patch --type=merge`. */
  async patch(reference: ObjectReference, change: object): Promise<void> {
    const { apiVersion, kind, metadata } = reference;
    const { name, ...namespace } = { ...metadata };
    const body = {
      ...change,
      apiVersion,
      kind,
      metadata: { ...(change as KubernetesObject).metadata, name, ...namespace },
    };
    await this.#ask(`patch ${nameOf(reference)}`, () =>
      this.#objects.patch(body, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch),
    );
  }

  /** Deletes an object; one that is not there is no error. */
  async remove(reference: ObjectReference): Promise<void> {
    try {
      await this.#objects.delete(reference);
    } catch (error) {
      if (!isNotFound(error)) throw asFailure(`delete ${nameOf(reference)}`, error);
    }
  }

  /**
   * Waits until `enough` holds of all objects of a kind, looking again at each change of one. `path` is the kind's REST
   * path, such as /api/v1/pods. Throws Failure 5 with `describe`'s words after `timeoutMs`; what `enough` throws goes through.
   */
  async until<T extends KubernetesObject>(
    path: string,
    list: () => Promise<readonly T[]>,
    enough: (objects: readonly T[]) => boolean,
    options: { timeoutMs: number; describe: (objects: readonly T[]) => string; signal?: AbortSignal },
  ): Promise<readonly T[]> {
    let objects = await list();
    if (enough(objects)) return objects;
    return new Promise<readonly T[]>((resolve, reject) => {
      let watching: AbortController | undefined;
      let finished = false;
      const finish = (settle: () => void) => {
        settle(); // first: ending the watch is told as an error of the watch
        finished = true;
        clearTimeout(late);
        options.signal?.removeEventListener('abort', aborted);
        watching?.abort();
      };
      const aborted = () => finish(() => reject(options.signal?.reason));
      const late = setTimeout(() => {
        finish(() => reject(labFailure(`waited ${options.timeoutMs / 1000} s for ${options.describe(objects)}`)));
      }, options.timeoutMs);
      options.signal?.addEventListener('abort', aborted);
      let looking = false;
      let again = false;
      const look = async () => {
        again = looking;
        if (looking) return;
        looking = true;
        try {
          do {
            again = false;
            objects = await list();
            if (enough(objects)) return finish(() => resolve(objects));
          } while (again);
        } catch (error) {
          finish(() => reject(error));
        } finally {
          looking = false;
        }
      };
      new Watch(this.#config)
        .watch(path, {}, look, (error) => error && finish(() => reject(asFailure(`watch ${path}`, error))))
        .then((controller) => {
          watching = controller;
          if (finished) controller.abort();
        })
        .catch((error) => finish(() => reject(asFailure(`watch ${path}`, error))));
    });
  }

  /** Starts a command in a container of a pod. */
  execInPod(
    pod: V1Pod,
    argv: readonly string[],
    options: RunOptions & { container?: string } = {},
  ): Promise<RemoteProcess> {
    const { namespace, name } = pod.metadata ?? {};
    return this.exec(`/api/v1/namespaces/${namespace}/pods/${name}/exec`, argv, options);
  }

  /** Starts a command through any exec endpoint of the server. */
  async exec(
    path: string,
    argv: readonly string[],
    options: RunOptions & { container?: string },
  ): Promise<RemoteProcess> {
    const tls: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = { headers: {} };
    await this.#config.applyToHTTPSOptions(tls);
    const { ca, cert, key, servername, rejectUnauthorized } = tls as ConnectionOptions;
    const headers = tls.headers as Record<string, string>;
    const target = { url: `${this.server}${path}`, headers, tls: { ca, cert, key, servername, rejectUnauthorized } };
    return openExec(target, argv, options);
  }

  async #ask<T>(doing: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw asFailure(doing, error);
    }
  }
}

/** One connection for many requests: client-node makes a new agent, and so a new TLS handshake, for each. */
function keepingAlive(config: KubeConfig) {
  let agent: Agent | undefined;
  return {
    getName: () => 'keeping-alive',
    async applySecurityAuthentication(context: RequestContext): Promise<void> {
      await config.applySecurityAuthentication(context);
      const made = context.getAgent();
      if (!agent && made instanceof Agent) agent = new Agent({ ...made.options, keepAlive: true });
      if (agent) context.setAgent(agent);
    },
  };
}

/** Asks the server to refuse unknown fields rather than to drop them. */
function strictly(request: RequestContext): RequestContext {
  if (request.getHttpMethod() !== 'GET' && request.getHttpMethod() !== 'DELETE') {
    request.setQueryParam('fieldValidation', 'Strict');
  }
  return request;
}

function nameOf({ kind, metadata }: ObjectReference): string {
  return `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiException ? error.code === 404 : /Unrecognized API version and kind/.test(String(error));
}

function asFailure(doing: string, error: unknown): Error {
  if (error instanceof Failure) return error;
  if (error instanceof ApiException) return labFailure(`${doing}: ${serverWords(error.body)}`, { cause: error });
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'ETIMEDOUT') {
    return labFailure(`${doing}: the Kubernetes API does not answer (${code})`, { cause: error });
  }
  return labFailure(`${doing}: ${message ?? error}`, { cause: error });
}

function serverWords(body: unknown): string {
  if (typeof body !== 'string') return (body as { message?: string } | undefined)?.message ?? 'no reason given';
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body; // not a Status: a proxy's page, say
  }
}
