import type { KubeObject } from '../kube/object.ts';
import { storedResources } from './resources.ts';
import { objectAt } from './schema/json.ts';
import type { Store } from './store.ts';

export interface DeletionOptions {
  propagationPolicy: 'Background' | 'Foreground' | 'Orphan';
  /** How long a pod may take to end; the pod's own terminationGracePeriodSeconds where undefined. */
  gracePeriodSeconds?: number;
}

const FOREGROUND = 'foregroundDeletion';
/** Not looking for the dependents of these keeps the end of a large namespace cheap. */
const OWNS_NOTHING = new Set(['Event', 'EndpointSlice', 'Lease', 'Pod']);

const BACKGROUND: DeletionOptions = { propagationPolicy: 'Background' };

/**
 * Deletes an object as Kubernetes does: a pod that runs is asked to end and its kubelet removes it; a namespace goes
 * after its contents; finalizers hold it back. Returns the object while it still exists, undefined when it is gone.
 */
export function deleteObject(store: Store, object: KubeObject, options: DeletionOptions): KubeObject | undefined {
  const { kind } = object;
  const { namespace, name } = object.metadata;
  if (options.propagationPolicy === 'Orphan') orphanDependents(store, object);
  if (options.propagationPolicy === 'Foreground' && dependentsOf(store, object).length > 0) {
    markDeleted(store, object, 0, FOREGROUND);
    for (const dependent of dependentsOf(store, object)) deleteObject(store, dependent, options);
    return store.get(kind, namespace, name);
  }
  if (kind === 'Namespace') {
    markDeleted(store, object, 0);
    store.modify(kind, namespace, name, (ns) => {
      ns.status = { ...ns.status, phase: 'Terminating' };
    });
    finishNamespace(store, name);
    return store.get(kind, namespace, name);
  }
  if (finalizersOf(object).length > 0) return markDeleted(store, object, 0);
  const grace = kind === 'Pod' ? podGrace(object, options) : 0;
  if (grace > 0) return markDeleted(store, object, grace);
  if (store.get(kind, namespace, name)) store.remove(kind, namespace, name);
  return undefined;
}

/** Objects that name this one as an owner. */
export function dependentsOf(store: Store, owner: KubeObject): KubeObject[] {
  return storedResources()
    .flatMap((r) => store.list(r.kind))
    .filter((object) => object.metadata.ownerReferences?.some((reference) => reference.uid === owner.metadata.uid));
}

/** Deletes what is left in a namespace that is going, and the namespace once nothing is. */
export function finishNamespace(store: Store, name: string): void {
  if (!store.get('Namespace', undefined, name)?.metadata.deletionTimestamp) return;
  // Workloads before pods: else their controllers would replace the pods.
  const kinds = storedResources()
    .filter((r) => r.namespaced)
    .map((r) => r.kind);
  const ordered = ['Deployment', 'DaemonSet', 'ReplicaSet', ...kinds];
  for (const kind of new Set(ordered)) {
    for (const object of store.list(kind, name)) {
      if (!object.metadata.deletionTimestamp) deleteObject(store, object, BACKGROUND);
    }
  }
  if (kinds.every((kind) => store.list(kind, name).length === 0)) store.remove('Namespace', undefined, name);
}

/** Deletes the dependents of an object that is gone, and an owner that waited for it. */
export function collectAfter(store: Store, gone: KubeObject): void {
  const dependents = OWNS_NOTHING.has(gone.kind) ? [] : dependentsOf(store, gone);
  for (const dependent of dependents) {
    const owners = dependent.metadata.ownerReferences ?? [];
    const others = owners.filter((o) => o.uid !== gone.metadata.uid && ownerStands(store, o, dependent));
    if (others.length === 0) deleteObject(store, dependent, BACKGROUND);
    else {
      store.modify(dependent.kind, dependent.metadata.namespace, dependent.metadata.name, (object) => {
        object.metadata.ownerReferences = others;
      });
    }
  }
  for (const reference of gone.metadata.ownerReferences ?? []) finishForeground(store, reference, gone);
}

function finishForeground(
  store: Store,
  reference: { kind: string; name: string; uid: string },
  gone: KubeObject,
): void {
  const owner = findOwner(store, reference, gone);
  if (!owner || !finalizersOf(owner).includes(FOREGROUND) || dependentsOf(store, owner).length > 0) return;
  store.remove(owner.kind, owner.metadata.namespace, owner.metadata.name);
}

function ownerStands(store: Store, reference: { kind: string; name: string; uid: string }, of: KubeObject): boolean {
  return findOwner(store, reference, of) !== undefined;
}

function findOwner(store: Store, reference: { kind: string; name: string; uid: string }, of: KubeObject) {
  const owner =
    store.get(reference.kind, of.metadata.namespace, reference.name) ??
    store.get(reference.kind, undefined, reference.name);
  return owner?.metadata.uid === reference.uid ? owner : undefined;
}

function orphanDependents(store: Store, owner: KubeObject): void {
  for (const dependent of dependentsOf(store, owner)) {
    store.modify(dependent.kind, dependent.metadata.namespace, dependent.metadata.name, ({ metadata }) => {
      const left = (metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
      if (left.length > 0) metadata.ownerReferences = left;
      else delete metadata.ownerReferences;
    });
  }
}

function markDeleted(store: Store, object: KubeObject, grace: number, finalizer?: string): KubeObject | undefined {
  const { namespace, name } = object.metadata;
  return store.modify(object.kind, namespace, name, ({ metadata }) => {
    const sooner = metadata.deletionGracePeriodSeconds === undefined || grace < metadata.deletionGracePeriodSeconds;
    if (!metadata.deletionTimestamp || sooner) {
      metadata.deletionTimestamp = `${new Date(Date.now() + grace * 1000).toISOString().slice(0, 19)}Z`;
      metadata.deletionGracePeriodSeconds = grace;
    }
    const finalizers = finalizersOf({ metadata });
    if (finalizer && !finalizers.includes(finalizer)) metadata.finalizers = [...finalizers, finalizer];
  });
}

/** Only a pod on a node that has not ended needs time: its kubelet ends it. */
function podGrace(pod: KubeObject, options: DeletionOptions): number {
  const spec = objectAt(pod, 'spec');
  const phase = objectAt(pod, 'status').phase;
  if (!spec.nodeName || phase === 'Succeeded' || phase === 'Failed') return 0;
  return options.gracePeriodSeconds ?? Number(spec.terminationGracePeriodSeconds ?? 30);
}

function finalizersOf(object: Pick<KubeObject, 'metadata'>): unknown[] {
  const { finalizers } = object.metadata;
  return Array.isArray(finalizers) ? finalizers : [];
}
