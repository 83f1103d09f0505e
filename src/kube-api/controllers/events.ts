import type { KubeObject } from '../../kube/object.ts';
import type { Store } from '../store.ts';
import { timestamp } from './conditions.ts';
import { isTerminating } from './pods.ts';

/** Writes an Event about an object, as `kubectl describe` shows it; the same event again only counts up. */
export type Recorder = (
  component: string,
  regarding: Readonly<KubeObject<unknown, unknown>>,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void;

/** How many events are kept. Kubernetes keeps them for an hour; without timers, the oldest make room for new ones. */
const KEPT_EVENTS = 1000;

/** Returns the function that records events in this store. */
export function eventRecorder(store: Store, now: () => Date): Recorder {
  const kept: { key: string; namespace: string; name: string }[] = [];
  const names = new Map<string, string>();
  const freshName = eventNames(now);
  return (component, regarding, type, reason, message) => {
    const { namespace = 'default', name: regardingName, uid } = regarding.metadata;
    const home = store.get('Namespace', undefined, namespace);
    if (!home || isTerminating(home)) return; // nothing new is made in a namespace that goes, as in Kubernetes
    const key = JSON.stringify([component, namespace, regardingName, uid, type, reason, message]);
    const time = timestamp(now());
    const again = store.modify('Event', namespace, names.get(key) ?? '', (event) => {
      event.count = Number(event.count) + 1;
      event.lastTimestamp = time;
    });
    if (again) return;
    const name = freshName(regardingName);
    store.create({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name: regardingName,
        ...(regarding.metadata.namespace !== undefined && { namespace: regarding.metadata.namespace }),
        uid,
        resourceVersion: regarding.metadata.resourceVersion,
      },
      reason,
      message,
      type,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      eventTime: null,
      source: { component },
      reportingComponent: component,
      reportingInstance: '',
    });
    names.set(key, name);
    kept.push({ key, namespace, name });
    const oldest = kept.length > KEPT_EVENTS ? kept.shift() : undefined;
    if (!oldest) return;
    if (names.get(oldest.key) === oldest.name) names.delete(oldest.key);
    if (store.get('Event', oldest.namespace, oldest.name)) store.remove('Event', oldest.namespace, oldest.name);
  };
}

/**
 * Names as client-go gives them (tools/record: the object's name and the time in nanoseconds, in hexadecimal), each later
 * than the one before. Lists are sorted by name, so that `kubectl describe` tells what came in one second in its order.
 */
function eventNames(now: () => Date): (regardingName: string) => string {
  let last = 0n;
  return (regardingName) => {
    const time = BigInt(now().getTime()) * 1_000_000n;
    last = time > last ? time : last + 1n;
    return `${regardingName}.${last.toString(16)}`;
  };
}
