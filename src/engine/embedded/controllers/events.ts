import { createHash } from 'node:crypto';
import type { KubeObject, Store } from '../store.ts';
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

/** Gives the function that records events in this store. */
export function eventRecorder(store: Store, now: () => Date): Recorder {
  const kept: { namespace: string; name: string }[] = [];
  return (component, regarding, type, reason, message) => {
    const { namespace = 'default', name: regardingName, uid } = regarding.metadata;
    const home = store.get('Namespace', undefined, namespace);
    if (!home || isTerminating(home)) return; // nothing new is made in a namespace that goes, as in Kubernetes
    const digest = createHash('sha256')
      .update(JSON.stringify([component, uid, type, reason, message]))
      .digest('hex');
    const name = `${regardingName}.${digest.slice(0, 16)}`;
    const time = timestamp(now());
    const again = store.modify('Event', namespace, name, (event) => {
      event.count = Number(event.count) + 1;
      event.lastTimestamp = time;
    });
    if (again) return;
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
    kept.push({ namespace, name });
    const oldest = kept.length > KEPT_EVENTS ? kept.shift() : undefined;
    if (oldest && store.get('Event', oldest.namespace, oldest.name))
      store.remove('Event', oldest.namespace, oldest.name);
  };
}
