import type { KubeObject } from '../kube/object.ts';
import { storedResources } from './resources.ts';
import type { Store } from './store.ts';

/** Longer than any `kubectl delete -f` takes to come to its last object. */
const REMEMBERED_MS = 60_000;

/**
 * Remembers for a while what went away with its namespace. Kubernetes empties a namespace some time after its deletion, so
 * that `kubectl delete -f` of a file that begins with the namespace still finds the rest to delete. Here the contents go at
 * once, and deleting them again says what it would have said there.
 */
export class Remains {
  readonly #uids = new Map<string, { uid: string | undefined; until: number }>();

  /** To be called before a namespace is deleted. */
  remember(store: Store, namespace: string): void {
    const now = Date.now();
    for (const [key, { until }] of this.#uids) if (until < now) this.#uids.delete(key);
    for (const { kind, namespaced } of storedResources()) {
      if (!namespaced) continue;
      for (const { metadata } of store.list(kind, namespace)) {
        this.#uids.set(key(kind, namespace, metadata.name), { uid: metadata.uid, until: now + REMEMBERED_MS });
      }
    }
  }

  /** The uid of an object that went with its namespace a moment ago; a namespace that is there again forgets. */
  uidOf(store: Store, { kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): string | undefined {
    const { namespace, name } = metadata;
    const entry = this.#uids.get(key(kind, namespace, name));
    if (!entry || entry.until < Date.now()) return undefined;
    const holder = store.get('Namespace', undefined, namespace ?? '');
    return holder && !holder.metadata.deletionTimestamp ? undefined : entry.uid;
  }
}

function key(kind: string, namespace: string | undefined, name: string): string {
  return `${kind}/${namespace}/${name}`;
}
