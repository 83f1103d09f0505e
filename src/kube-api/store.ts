import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../kube/object.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface WatchEvent {
  type: WatchEventType;
  object: KubeObject;
}

type Listener = (event: WatchEvent) => void;

/** Why the store refused: the API server turns it into a Kubernetes `Status`. */
export class StoreError extends Error {
  readonly reason: 'NotFound' | 'AlreadyExists' | 'Conflict' | 'Expired';

  constructor(reason: StoreError['reason'], message: string) {
    super(message);
    this.name = 'StoreError';
    this.reason = reason;
  }
}

/** How many events are kept for watchers that resume; older resource versions get 410 Gone, as from etcd after compaction. */
const KEPT_EVENTS = 4096;

/**
 * The engine's whole state: objects by kind, namespace and name, in memory, with one growing resource version and a
 * history that watches resume from. What goes in and what comes out are copies, so that nobody changes an object in place.
 */
export class Store {
  #objects = new Map<string, Map<string, KubeObject>>();
  #version = 0;
  #history: { version: number; event: WatchEvent }[] = [];
  #listeners = new Map<string, Set<Listener>>();
  #undelivered: WatchEvent[] = [];
  #delivering = false;

  /** The resource version of the newest change. */
  get version(): string {
    return String(this.#version);
  }

  get(kind: string, namespace: string | undefined, name: string): KubeObject | undefined {
    const object = this.#objects.get(kind)?.get(key(namespace, name));
    return object && structuredClone(object);
  }

  /** All objects of a kind, of one namespace or of all, sorted by namespace and name as the API server lists them. */
  list(kind: string, namespace?: string): KubeObject[] {
    const all = [...(this.#objects.get(kind)?.entries() ?? [])];
    return all
      .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => structuredClone(object));
  }

  /** Adds an object and gives it as stored. Throws StoreError AlreadyExists. */
  create(object: KubeObject): KubeObject {
    const { kind, metadata } = object;
    if (this.#objects.get(kind)?.has(key(metadata.namespace, metadata.name))) {
      throw new StoreError('AlreadyExists', `${kind} "${metadata.name}" already exists`);
    }
    const created: KubeObject = structuredClone(object);
    created.metadata.uid = metadata.uid ?? randomUUID();
    created.metadata.creationTimestamp = metadata.creationTimestamp ?? `${new Date().toISOString().slice(0, 19)}Z`;
    created.metadata.generation = 1;
    return this.#put('ADDED', created);
  }

  /**
   * Replaces an object and gives it as stored; a change of nothing makes no new version and no event. With a
   * `resourceVersion` it must be the current one. The generation grows when the spec changed.
   * Throws StoreError NotFound or Conflict.
   */
  update(object: KubeObject): KubeObject {
    const { kind, metadata } = object;
    const current = this.#objects.get(kind)?.get(key(metadata.namespace, metadata.name));
    if (!current) throw new StoreError('NotFound', `${kind} "${metadata.name}" not found`);
    if (metadata.resourceVersion && metadata.resourceVersion !== current.metadata.resourceVersion) {
      throw new StoreError(
        'Conflict',
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    }
    const updated: KubeObject = structuredClone(object);
    updated.metadata.uid = current.metadata.uid;
    updated.metadata.creationTimestamp = current.metadata.creationTimestamp;
    updated.metadata.resourceVersion = current.metadata.resourceVersion;
    updated.metadata.generation = current.metadata.generation;
    if (same(updated, current)) return structuredClone(current);
    if (!same(updated.spec, current.spec)) updated.metadata.generation = (current.metadata.generation ?? 1) + 1;
    return this.#put('MODIFIED', updated);
  }

  /**
   * Reads, changes and writes an object in one step, as controllers do: `change` gets a copy to alter in place.
   * Returns undefined if there is no such object.
   */
  modify(kind: string, namespace: string | undefined, name: string, change: (object: KubeObject) => void) {
    const object = this.get(kind, namespace, name);
    if (!object) return undefined;
    change(object);
    return this.update(object);
  }

  /** Takes an object away at once and gives its last state. Throws StoreError NotFound. */
  remove(kind: string, namespace: string | undefined, name: string): KubeObject {
    const objects = this.#objects.get(kind);
    const object = objects?.get(key(namespace, name));
    if (!objects || !object) throw new StoreError('NotFound', `${kind} "${name}" not found`);
    objects.delete(key(namespace, name));
    const removed = structuredClone(object);
    removed.metadata.resourceVersion = this.#record('DELETED', removed);
    return removed;
  }

  /** Calls `listener` for each later change of a kind, in order, until the function that comes back is called. */
  watch(kind: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** The events of a kind after a resource version, oldest first. Throws StoreError Expired where they are no longer kept. */
  since(kind: string, resourceVersion: string): WatchEvent[] {
    const version = Number(resourceVersion);
    const oldest = this.#history[0]?.version ?? this.#version + 1;
    if (version + 1 < oldest && version < this.#version) {
      throw new StoreError('Expired', `too old resource version: ${resourceVersion} (${oldest})`);
    }
    return this.#history
      .filter((entry) => entry.version > version && entry.event.object.kind === kind)
      .map((e) => e.event);
  }

  #put(type: WatchEventType, object: KubeObject): KubeObject {
    const objects = this.#objects.get(object.kind) ?? new Map<string, KubeObject>();
    this.#objects.set(object.kind, objects);
    objects.set(key(object.metadata.namespace, object.metadata.name), object);
    this.#record(type, object);
    return structuredClone(object);
  }

  #record(type: WatchEventType, object: KubeObject): string {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    const event: WatchEvent = { type, object: structuredClone(object) };
    this.#history.push({ version: this.#version, event });
    if (this.#history.length > KEPT_EVENTS) this.#history.splice(0, this.#history.length - KEPT_EVENTS);
    this.#undelivered.push(event);
    this.#deliver();
    return object.metadata.resourceVersion;
  }

  /** A listener may change the store: what that causes is reported after, so that everybody sees changes in one order. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let event = this.#undelivered.shift(); event; event = this.#undelivered.shift()) {
        for (const listener of [...(this.#listeners.get(event.object.kind) ?? [])]) listener(event);
      }
    } finally {
      this.#delivering = false;
    }
  }
}

function key(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** Equality of two JSON values, whatever the order of their keys. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keysA = Object.keys(a).filter((k) => (a as Record<string, unknown>)[k] !== undefined);
  const keysB = Object.keys(b).filter((k) => (b as Record<string, unknown>)[k] !== undefined);
  if (keysA.length !== keysB.length) return false;
  return keysA.every(
    (k) => Object.hasOwn(b, k) && same((a as Record<string, unknown>)[k], (b as Record<string, unknown>)[k]),
  );
}
