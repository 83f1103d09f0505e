import type { KubeObject } from '../kube/object.ts';
import { collectAfter, finishNamespace } from './deletion.ts';
import { storedResources } from './resources.ts';
import type { Store } from './store.ts';

/**
 * Watches for objects that go away, whoever removed them, and does what follows: dependents by owner reference, owners
 * that wait for their dependents, namespaces that wait to be empty. Work is gathered and done after the changes that
 * caused it. Returns the function that stops it.
 */
export function startGarbageCollector(store: Store, log: (message: string, error?: unknown) => void): () => void {
  let gone: KubeObject[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  const work = () => {
    scheduled = undefined;
    const objects = gone;
    gone = [];
    try {
      for (const object of objects) collectAfter(store, object);
      for (const name of new Set(objects.map((object) => object.metadata.namespace))) {
        if (name !== undefined) finishNamespace(store, name);
      }
    } catch (error) {
      log('removing what belonged to a deleted object failed', error);
    }
  };
  const unwatch = storedResources().map((resource) =>
    store.watch(resource.kind, ({ type, object }) => {
      if (type !== 'DELETED') return;
      gone.push(object);
      scheduled ??= setImmediate(work);
    }),
  );
  return () => {
    for (const stop of unwatch) stop();
    if (scheduled) clearImmediate(scheduled);
  };
}
