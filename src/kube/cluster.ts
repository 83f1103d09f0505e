import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess, RunOptions } from '../engine/remote-process.ts';
import { Failure, labFailure } from '../errors.ts';
import { ApiError, Connection } from './connection.ts';
import { Discovery, UnknownKind } from './discovery.ts';
import { openExec } from './exec.ts';
import type { KubeObject, Node, Pod } from './objects.ts';

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
/** How soon a watch that the server has ended is begun again, in ms. */
const WATCH_AGAIN_MS = 200;
/** Asks the server to refuse unknown fields rather than to drop them. */
const STRICT = { fieldValidation: 'Strict' };

/** A cluster, through its Kubernetes API: the one way in for every engine. */
export class Cluster {
  readonly #connection: Connection;
  readonly #discovery: Discovery;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#discovery = new Discovery(connection);
  }

  /**
   * Reads a kubeconfig, with its current context or another. Throws Failure 4 where it is missing or names no cluster. A request
   * fails when the server says nothing for `silenceMs`.
   */
  static connect(kubeconfig: string, context?: string, silenceMs?: number): Cluster {
    return new Cluster(Connection.open(kubeconfig, context, silenceMs));
  }

  /** The same for the text of a kubeconfig that names no files beside it. */
  static fromText(kubeconfig: string, silenceMs?: number): Cluster {
    return new Cluster(Connection.ofText(kubeconfig, silenceMs));
  }

  /** The server's version, as `kubectl version` shows it. */
  version(): Promise<{ gitVersion?: string; platform?: string }> {
    return this.#ask('ask for the version', () => this.#connection.ask('/version'));
  }

  /** The URL of the API server. */
  get server(): string {
    return this.#connection.server;
  }

  async nodes(): Promise<Node[]> {
    return (await this.list<Node>('v1', 'Node')).items;
  }

  async pods(labelSelector?: string): Promise<Pod[]> {
    return (await this.list<Pod>('v1', 'Pod', undefined, labelSelector)).items;
  }

  /** All objects of a kind: of a namespace, or of all of them. */
  list<T extends object>(
    apiVersion: string,
    kind: string,
    namespace?: string,
    labelSelector?: string,
  ): Promise<{ items: T[] }> {
    return this.#ask(`list ${kind}`, async () => {
      const path = await this.#discovery.listPath(apiVersion, kind, namespace);
      return this.#connection.ask(path, { query: labelSelector === undefined ? {} : { labelSelector } });
    });
  }

  /** Whether the server has a kind: a CustomResourceDefinition may be missing. */
  serves(apiVersion: string, kind: string): Promise<boolean> {
    return this.#ask(`look for ${kind}`, () => this.#discovery.serves(apiVersion, kind));
  }

  /** Gives an object, or undefined where there is none (of that name, or of that kind). */
  async get<T extends object>(reference: ObjectReference): Promise<T | undefined> {
    try {
      return await this.#connection.ask<T>(await this.#discovery.objectPath(reference));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw asFailure(`get ${nameOf(reference)}`, error);
    }
  }

  /**
   * Creates an object, or brings an existing one to what is asked, as `kubectl apply` does for files without lists that
   * others change. Says which it was. Throws Failure 5 with the server's words.
   */
  async apply(object: AppliedObject): Promise<'created' | 'configured' | 'unchanged'> {
    const { apiVersion, kind } = object;
    const applied = lastApplied(
      object,
      await this.#ask(`look for ${kind}`, () => this.#discovery.isNamespaced(apiVersion, kind)),
    );
    const metadata = object.metadata as AppliedObject['metadata'] & { annotations?: Record<string, string> };
    const wanted = {
      ...object,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [LAST_APPLIED]: applied } },
    };
    if (await this.create(wanted)) return 'created';
    const present = await this.get<KubeObject>(object);
    if (present?.metadata?.annotations?.[LAST_APPLIED] === applied) return 'unchanged';
    await this.patch(object, wanted);
    return 'configured';
  }

  /** Creates an object; gives false where there is one of its name already, which is left as it is. */
  async create(object: AppliedObject): Promise<boolean> {
    try {
      const path = await this.#discovery.collectionPath(object);
      await this.#connection.ask(path, { method: 'POST', query: STRICT, body: object });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 409) return false;
      throw asFailure(`create ${nameOf(object)}`, error);
    }
  }

  /**
   * Creates an object and gives what came of it: the answer, for kinds that are questions. A dry run goes through all that a
   * creation does, and keeps nothing. Throws Failure 5 with the server's words.
   */
  post<T>(object: AppliedObject, { dryRun = false } = {}): Promise<T> {
    return this.#ask(`create ${nameOf(object)}`, async () => {
      const query = { ...STRICT, ...(dryRun ? { dryRun: 'All' } : {}) };
      return this.#connection.ask<T>(await this.#discovery.collectionPath(object), {
        method: 'POST',
        query,
        body: object,
      });
    });
  }

  /**
   * Brings an object to what is asked, whoever else has changed it, as `kubectl apply --server-side --force-conflicts`: for what
   * is too large for an annotation of what was applied last, as many CustomResourceDefinitions are. `text` is the object as YAML
   * or JSON; without it, the object itself is sent.
   */
  async applyServerSide(object: AppliedObject, text = JSON.stringify(object)): Promise<void> {
    await this.#ask(`apply ${nameOf(object)}`, async () =>
      this.#connection.ask(await this.#discovery.objectPath(object), {
        method: 'PATCH',
        query: { fieldManager: 'wglab', force: 'true' },
        body: text,
        contentType: 'application/apply-patch+yaml',
      }),
    );
  }

  /** JSON merge patch, as `kubectl patch --type=merge`. */
  async patch(reference: ObjectReference, change: object): Promise<void> {
    await this.#ask(`patch ${nameOf(reference)}`, async () =>
      this.#connection.ask(await this.#discovery.objectPath(reference), {
        method: 'PATCH',
        query: STRICT,
        body: change,
        contentType: 'application/merge-patch+json',
      }),
    );
  }

  /** Deletes an object; one that is not there is no error. */
  async remove(reference: ObjectReference): Promise<void> {
    try {
      await this.#connection.ask(await this.#discovery.objectPath(reference), { method: 'DELETE' });
    } catch (error) {
      if (!isNotFound(error)) throw asFailure(`delete ${nameOf(reference)}`, error);
    }
  }

  /**
   * Waits until `enough` holds of all objects of a kind, looking again at each change of one. `path` is the kind's REST
   * path, such as /api/v1/pods. Throws Failure 5 with `describe`'s words after `timeoutMs`; what `enough` throws goes through.
   * `update` hears at each look what is waited for, how long at most, and what was seen.
   */
  async until<T>(
    path: string,
    list: () => Promise<readonly T[]>,
    enough: (objects: readonly T[]) => boolean,
    options: {
      timeoutMs: number;
      describe: (objects: readonly T[]) => string;
      update?: (text: string) => void;
      signal?: AbortSignal;
    },
  ): Promise<readonly T[]> {
    const tell = () =>
      options.update?.(`waiting, at most ${options.timeoutMs / 1000} s, for ${options.describe(objects)}`);
    let objects = await list();
    if (enough(objects)) return objects;
    tell();
    return new Promise<readonly T[]>((resolve, reject) => {
      const watching = new AbortController();
      const finish = (settle: () => void) => {
        settle();
        clearTimeout(late);
        options.signal?.removeEventListener('abort', aborted);
        watching.abort();
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
            tell();
          } while (again && !watching.signal.aborted);
        } catch (error) {
          finish(() => reject(error));
        } finally {
          looking = false;
        }
      };
      // A server ends a watch after a while, and a balancer before it sooner: what happened meanwhile is looked at then.
      const watchOn = async () => {
        while (!watching.signal.aborted) {
          await this.#connection.watch(path, () => void look(), watching.signal);
          await sleep(WATCH_AGAIN_MS, undefined, { signal: watching.signal }).catch(() => undefined);
          if (!watching.signal.aborted) await look();
        }
      };
      watchOn().catch((error) => finish(() => reject(asFailure(`watch ${path}`, error))));
    });
  }

  /** Starts a command in a container of a pod. */
  execInPod(
    pod: Pod,
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
    return openExec(await this.#connection.execTarget(path), argv, options);
  }

  async #ask<T>(doing: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw asFailure(doing, error);
    }
  }
}

/**
 * What kubectl would keep of an object that it applied, to the letter, so that it finds nothing to change: with the default
 * namespace and annotations filled in, keys in order, and escaped as Go's JSON encoder does.
 */
function lastApplied(object: AppliedObject, namespaced: boolean): string {
  const metadata = { annotations: {}, ...(namespaced ? { namespace: 'default' } : {}), ...object.metadata };
  const text = JSON.stringify(inOrder({ ...object, metadata }));
  return `${text.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, inOrder(entry)]));
}

function nameOf({ kind, metadata }: ObjectReference): string {
  return `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof UnknownKind || (error instanceof ApiError && error.code === 404);
}

function asFailure(doing: string, error: unknown): Error {
  if (error instanceof Failure) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'ETIMEDOUT') {
    return labFailure(`${doing}: the Kubernetes API does not answer (${code})`, { cause: error });
  }
  return labFailure(`${doing}: ${message ?? error}`, { cause: error });
}
