import { expect, test } from 'vitest';
import { bootstrapCluster } from '../../../src/kube-api/controllers/bootstrap.ts';
import { withCondition } from '../../../src/kube-api/controllers/conditions.ts';
import { eventRecorder } from '../../../src/kube-api/controllers/events.ts';
import { Store } from '../../../src/kube-api/store.ts';
import { MACHINE, nodeObject, podObject } from './support.ts';

const NOON = new Date('2026-01-01T12:00:00.500Z');
const LATER = new Date('2026-01-01T13:00:00Z');

test('the same event again counts up; another one, or one about another object, is its own', () => {
  const store = new Store();
  bootstrapCluster(store, [], { machine: MACHINE });
  let now = NOON;
  const record = eventRecorder(store, () => now);
  const pod = podObject('web');
  record('test', pod, 'Normal', 'Pulled', 'once');
  now = LATER;
  record('test', pod, 'Normal', 'Pulled', 'once');
  record('test', pod, 'Normal', 'Pulled', 'twice');
  record('test', podObject('web', {}, { uid: 'reborn' }), 'Normal', 'Pulled', 'once');
  const events = store.list('Event', 'default').filter(({ message }) => message === 'once');
  expect(events.map(({ count }) => count).sort()).toEqual([1, 2]);
  expect(events.find(({ count }) => count === 2)).toMatchObject({
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web', uid: 'web' },
    firstTimestamp: '2026-01-01T12:00:00Z',
    lastTimestamp: '2026-01-01T13:00:00Z',
    source: { component: 'test' },
  });
  expect(store.list('Event')).toHaveLength(3);
});

test('a list tells what happened in one second in its order', () => {
  const store = new Store();
  bootstrapCluster(store, [], { machine: MACHINE });
  const record = eventRecorder(store, () => NOON);
  const reasons = ['Scheduled', 'Pulled', 'Created', 'Started', 'Killing', 'BackOff'];
  for (const reason of [...reasons, 'Pulled']) record('test', podObject('web'), 'Normal', reason, 'm');
  expect(store.list('Event', 'default').map(({ reason }) => reason)).toEqual(reasons);
});

test('events about nodes are in the namespace default, none are made where the namespace goes, and the oldest give way', () => {
  const store = new Store();
  bootstrapCluster(store, [], { machine: MACHINE });
  const record = eventRecorder(store, () => NOON);
  record('test', podObject('p', {}, { namespace: 'nowhere' }), 'Normal', 'R', 'm');
  store.modify('Namespace', undefined, 'kube-public', ({ metadata }) => {
    metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  });
  record('test', podObject('p', {}, { namespace: 'kube-public' }), 'Normal', 'R', 'm');
  expect(store.list('Event')).toEqual([]);
  for (let index = 0; index < 1010; index += 1) record('test', nodeObject('n'), 'Normal', 'R', `${index}`);
  const messages = store.list('Event', 'default').map(({ message }) => message);
  expect(messages).toHaveLength(1000);
  expect(messages).not.toContain('9');
});

test('a condition keeps its time until its status changes', () => {
  const first = withCondition(undefined, { type: 'Ready', status: 'False', message: 'a' }, NOON);
  expect(first).toEqual([{ type: 'Ready', status: 'False', message: 'a', lastTransitionTime: '2026-01-01T12:00:00Z' }]);
  const second = withCondition(
    [...first, { type: 'Other', status: 'True' }],
    { type: 'Ready', status: 'False' },
    LATER,
  );
  expect(second).toEqual([
    { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T12:00:00Z' },
    { type: 'Other', status: 'True' },
  ]);
  const [third] = withCondition(second, { type: 'Ready', status: 'True' }, LATER);
  expect(third?.lastTransitionTime).toBe('2026-01-01T13:00:00Z');
});
