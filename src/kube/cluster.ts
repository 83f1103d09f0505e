import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, labFailure } from '../errors.ts';
import type { RemoteProcess, RunOptions } from '../process/remote-process.ts';
import { ApiError, type ClusterIdentity, Connection } from './connection.ts';
import { Discovery, UnknownKind } from './discovery.ts';
import { openExec } from './exec.ts';
import { LAST_APPLIED, lastApplied } from './last-applied.ts';
import type { AppliedObject, ObjectReference } from './object.ts';
import type { KubeObject, Node, Pod } from './objects.ts';
import { isTransient } from './transient.ts';
import { waitUntil } from './until.ts';

/** Asks the server to refuse unknown fields rather than to drop them. */
const STRICT = { fieldValidation: 'Strict' };

/**
 * How long a request is tried again while the API is away for a moment. Turning encryption on cuts the connection to the pod that
 * serves Calico's own API for up to 20 s.
 */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 300;

interface Cut {
  /** How long a request is tried again; 0 for a caller that has a deadline of its own. */
  patienceMs: number;
  signal?: AbortSignal | undefined;
  /** Hears why a request is tried again. */
  update?: ((why: string) => void) | undefined;
}

/** A cluster, through its Kubernetes API: the one way in for every engine. */
export class Cluster {
  readonly #connection: Connection;
  readonly #discovery: Discovery;
  readonly #cut: Cut;

  private constructor(connection: Connection, discovery: Discovery, cut: Cut) {
    this.#connection = connection;
    this.#discovery = discovery;
    this.#cut = cut;
  }

  /**
   * Reads a kubeconfig, with its current context or another. Throws failure 4 if it is missing or names no cluster. A request
   * fails when the server says nothing for `silenceMs`.
   */
  static connect(kubeconfig: string, context?: string, silenceMs?: number): Cluster {
    const connection = Connection.open(kubeconfig, context, silenceMs);
    return new Cluster(connection, new Discovery(connection), { patienceMs: PATIENCE_MS });
  }

  /** Reads the text of a kubeconfig that names no other files. Does not try a request again. */
  static fromText(kubeconfig: string, silenceMs?: number): Cluster {
    const connection = Connection.ofText(kubeconfig, silenceMs);
    return new Cluster(connection, new Discovery(connection), { patienceMs: 0 });
  }

  /** Returns the same cluster with another patience for an API that is away for a moment. */
  during(cut: Cut): Cluster {
    return new Cluster(this.#connection, this.#discovery, cut);
  }

  /** The server's version, as `kubectl version` shows it. */
  version(): Promise<{ gitVersion?: string; platform?: string }> {
    return this.#ask('ask for the version', () => this.#connection.ask('/version'));
  }

  /** The URL of the API server. */
  get server(): string {
    return this.identity.server;
  }

  get identity(): ClusterIdentity {
    return this.#connection.identity;
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

  /** Returns whether the server has a kind: a CustomResourceDefinition may be missing. */
  serves(apiVersion: string, kind: string): Promise<boolean> {
    return this.#ask(`look for ${kind}`, () => this.#discovery.serves(apiVersion, kind));
  }

  /** Returns an object, or undefined if there is none (of that name, or of that kind). */
  async get<T extends object>(reference: ObjectReference): Promise<T | undefined> {
    return this.#ask(`get ${nameOf(reference)}`, async () => {
      try {
        return await this.#connection.ask<T>(await this.#discovery.objectPath(reference));
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    });
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

  /** Creates an object; returns false if one of its name exists already, which is left as it is. */
  async create(object: AppliedObject): Promise<boolean> {
    const create = async () => {
      try {
        const path = await this.#discovery.collectionPath(object);
        await this.#connection.ask(path, { method: 'POST', query: STRICT, body: object });
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.code === 409) return false;
        throw error;
      }
    };
    // If the connection broke, nobody knows whether the object was created: only an error that the server sent allows another try.
    return this.#ask(`create ${nameOf(object)}`, create, (error) => error instanceof ApiError && isTransient(error));
  }

  /**
   * Creates an object and returns the server's answer, which is the point of kinds that are questions. A dry run does all that a
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
   * Makes an object what is asked, even if somebody else has changed it, as `kubectl apply --server-side --force-conflicts` does. For
   * objects too large for the annotation that holds what was applied last, as many CustomResourceDefinitions are. `text` is the object as YAML
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
    await this.#ask(`delete ${nameOf(reference)}`, async () => {
      try {
        await this.#connection.ask(await this.#discovery.objectPath(reference), { method: 'DELETE' });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
  }

  /**
   * Waits until `enough` holds of all objects of a kind, and lists them again at each change of one. `path` is the kind's REST
   * path, such as /api/v1/pods. Throws failure 5 with `describe`'s words after `timeoutMs`; what `enough` throws goes through.
   * `update` hears each time what is waited for, for how long at most, and what was seen.
   */
  until<T>(
    path: string,
    list: (cluster: Cluster) => Promise<readonly T[]>,
    enough: (objects: readonly T[]) => boolean,
    options: {
      everyMs?: number;
      timeoutMs: number;
      describe: (objects: readonly T[]) => string;
      update?: (text: string) => void;
      signal?: AbortSignal;
    },
  ): Promise<readonly T[]> {
    const impatient = this.during({ patienceMs: 0 });
    const watch = (changed: () => void, signal: AbortSignal) =>
      this.#connection.watch(path, changed, signal).catch((error) => {
        throw asFailure(`watch ${path}`, error);
      });
    return waitUntil({ list: () => list(impatient), enough, watch, ...options });
  }

  /** Returns the last lines that a container of a pod has logged. */
  log({ metadata }: Pod, container: string, { lines, previous = false }: { lines: number; previous?: boolean }) {
    const { namespace, name } = metadata ?? {};
    const query = { container, tailLines: String(lines), ...(previous ? { previous: 'true' } : {}) };
    return this.#ask(`read the log of pod ${namespace}/${name}`, () =>
      this.#connection.text(`/api/v1/namespaces/${namespace}/pods/${name}/log`, query),
    );
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

  async #ask<T>(doing: string, request: () => Promise<T>, mayTryAgain = isTransient): Promise<T> {
    const { patienceMs, signal, update } = this.#cut;
    const until = performance.now() + patienceMs;
    for (;;) {
      try {
        return await request();
      } catch (error) {
        if (!mayTryAgain(error) || performance.now() + AGAIN_MS > until) throw asFailure(doing, error);
        update?.(asFailure(doing, error).message);
      }
      signal?.throwIfAborted();
      await sleep(AGAIN_MS, undefined, signal ? { signal } : {});
    }
  }
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
