import type { KubeObject } from '../../kube/object.ts';
import { type Store, same } from '../store.ts';
import type { Kinds } from './kinds.ts';

/**
 * The controllers' shared picture of the store, kept current by its events. `Store.list` copies every object that it gives;
 * controllers look at all pods after every change, so that with 40 nodes copying would cost more than deciding.
 * What comes out is shared: nobody may alter it.
 */
export class ObjectCache {
  #objects = new Map<string, Map<string, KubeObject>>();
  #stops: (() => void)[] = [];

  constructor(store: Store, kinds: readonly (keyof Kinds)[]) {
    for (const kind of kinds) {
      const objects = new Map(store.list(kind).map((object) => [keyOf(object), object]));
      this.#objects.set(kind, objects);
      this.#stops.push(
        store.watch(kind, ({ type, object }) => {
          if (type === 'DELETED') objects.delete(keyOf(object));
          else objects.set(keyOf(object), object);
        }),
      );
    }
  }

  /** The objects of a kind, of one namespace or of all, oldest first. */
  list<K extends keyof Kinds>(kind: K, namespace?: string): readonly Readonly<Kinds[K]>[] {
    const all = [...(this.#objects.get(kind)?.values() ?? [])] as Kinds[K][];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  get<K extends keyof Kinds>(kind: K, namespace: string | undefined, name: string): Readonly<Kinds[K]> | undefined {
    return this.#objects.get(kind)?.get(`${namespace ?? ''}/${name}`) as Kinds[K] | undefined;
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** `Store.modify` with the type of the kind. Returns undefined if the object is gone. */
export function modify<K extends keyof Kinds>(
  store: Store,
  kind: K,
  { metadata }: KubeIdentity,
  change: (object: Kinds[K]) => void,
): void {
  store.modify(kind, metadata.namespace, metadata.name, (object) => change(object as Kinds[K]));
}

/** Writes a status where it differs from what is there; the comparison comes first because it needs no copies. */
export function writeStatus<K extends keyof Kinds>(
  store: Store,
  kind: K,
  object: Readonly<Kinds[K]>,
  status: Record<string, unknown>,
): void {
  if (same({ ...object.status, ...status }, object.status)) return;
  store.modify(kind, object.metadata.namespace, object.metadata.name, (current) => {
    current.status = { ...current.status, ...status };
  });
}

/** Creates the object, or makes the fields of it that are given here so again. */
export function ensure(store: Store, cache: ObjectCache, kind: keyof Kinds, wanted: KubeObject): void {
  const current = cache.get(kind, wanted.metadata.namespace, wanted.metadata.name);
  if (!current) {
    store.create(wanted);
    return;
  }
  const { metadata, ...fields } = wanted;
  const labels = { ...current.metadata.labels, ...metadata.labels };
  if (same({ ...current, ...fields }, current) && same(labels, current.metadata.labels ?? {})) return;
  store.modify(kind, metadata.namespace, metadata.name, (object) => {
    Object.assign(object, fields);
    if (metadata.labels) object.metadata.labels = labels;
  });
}

type KubeIdentity = Readonly<{ metadata: { namespace?: string; name: string } }>;

function keyOf({ metadata }: KubeIdentity): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
