import type { Store } from '../store.ts';
import type { Recorder } from './events.ts';
import type { Kinds } from './kinds.ts';
import type { ObjectCache } from './object-cache.ts';

/** Everything that a controller works with. */
export interface ControllerContext {
  store: Store;
  cache: ObjectCache;
  record: Recorder;
  now: () => Date;
  /** The random end of a pod's name. */
  suffix: () => string;
  /** Reports a problem with one object; the others go on, and the next change tries again. */
  onError: (error: unknown, doing: string) => void;
}

/**
 * Calls `reconcile` once now and once after each burst of changes to these kinds: however many events come in one turn of
 * the event loop, it runs once. It must be level-triggered: its own writes call it again, and then it must find nothing to do.
 * Returns the function that stops it.
 */
export function reconcileOnChange(
  context: ControllerContext,
  name: string,
  kinds: readonly (keyof Kinds)[],
  reconcile: () => void,
): () => void {
  let pending = false;
  let stopped = false;
  const run = () => {
    pending = false;
    if (!stopped) attempt(context, name, reconcile);
  };
  const trigger = () => {
    if (pending || stopped) return;
    pending = true;
    setImmediate(run);
  };
  const stops = kinds.map((kind) => context.store.watch(kind, trigger));
  trigger();
  return () => {
    stopped = true;
    for (const stop of stops) stop();
  };
}

/** Does the work for one object, so that a broken one does not keep the controller from the others. */
export function attempt(context: ControllerContext, doing: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    context.onError(error, doing);
  }
}
