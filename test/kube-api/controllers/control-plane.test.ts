import { afterEach, expect, test } from 'vitest';
import { conditionOf } from '../../../src/kube-api/controllers/conditions.ts';
import { deletePod } from '../../../src/kube-api/controllers/pods.ts';
import {
  apartFrom,
  daemonSetObject,
  deploymentObject,
  isRolledOut,
  nodesOf,
  podObject,
  restart,
  TestCluster,
} from './support.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());
const nodeOf = (name: string) => cluster.get('Pod', name, 'default').spec?.nodeName;
const scheduled = (name: string) => conditionOf(cluster.get('Pod', name, 'default').status?.conditions, 'PodScheduled');

function cordon(node: string, unschedulable: boolean): void {
  cluster.store.modify('Node', undefined, node, (object) => {
    object.spec = { ...object.spec, unschedulable };
  });
}

test('frontend and backend are never on one node, whatever is restarted', async () => {
  cluster = new TestCluster();
  cluster.installCalico();
  const meetings: string[] = [];
  cluster.onPodChange.push((pods) => {
    const places = (app: string) =>
      pods.filter(({ metadata }) => metadata.labels?.app === app).map(({ spec }) => spec?.nodeName);
    meetings.push(...places('backend').flatMap((node) => (node && places('frontend').includes(node) ? [node] : [])));
  });
  cluster.store.create(deploymentObject('backend', 1));
  cluster.store.create(deploymentObject('frontend', 1, { affinity: apartFrom('backend') }));
  await cluster.settle();
  for (let round = 0; round < 10; round += 1) {
    for (const name of ['backend', 'frontend']) restart(cluster.store, 'Deployment', name, `${round}`);
    for (const pod of cluster.pods().slice(0, round % 3)) deletePod(cluster.store, pod, new Date());
    await cluster.settle();
    expect(
      cluster
        .pods()
        .map(({ spec }) => spec?.nodeName)
        .sort(),
    ).toEqual(['worker', 'worker2']);
  }
  expect(meetings).toEqual([]);
});

test('a pod that fits nowhere says why, once, and is bound as soon as it fits', async () => {
  cluster = new TestCluster(nodesOf(1));
  cluster.installCalico();
  cluster.store.create(podObject('backend', {}, { labels: { app: 'backend' } }));
  cluster.store.create(podObject('frontend', { affinity: apartFrom('backend') }));
  await cluster.settle();
  expect(nodeOf('backend')).toBe('worker');
  expect(scheduled('frontend')).toMatchObject({
    status: 'False',
    reason: 'Unschedulable',
    message: expect.stringMatching(
      /^0\/2 nodes are available: 1 node\(s\) didn't match pod anti-affinity rules, 1 node\(s\) had untolerated taint/,
    ),
  });
  cluster.store.create(podObject('bystander'));
  await cluster.settle();
  const failures = () => cluster.store.list('Event', 'default').filter(({ reason }) => reason === 'FailedScheduling');
  expect(failures()).toMatchObject([
    {
      type: 'Warning',
      count: 1,
      involvedObject: { kind: 'Pod', name: 'frontend' },
      message: scheduled('frontend')?.message,
    },
  ]);
  deletePod(cluster.store, cluster.get('Pod', 'backend', 'default'), new Date());
  await cluster.settle();
  expect(nodeOf('frontend')).toBe('worker');
  expect(scheduled('frontend')).toEqual({
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: expect.any(String),
  });
  const bound = cluster.store.list('Event', 'default').filter(({ reason }) => reason === 'Scheduled');
  expect(bound.map(({ message }) => message)).toContain('Successfully assigned default/frontend to worker');
});

test('a cordoned node takes nothing new until it is uncordoned, and keeps what it has', async () => {
  cluster = new TestCluster();
  cluster.installCalico();
  cluster.store.create(podObject('old', { nodeSelector: { 'kubernetes.io/hostname': 'worker' } }));
  await cluster.settle();
  cordon('worker', true);
  for (const name of ['a', 'b', 'c']) cluster.store.create(podObject(name));
  cluster.store.create(podObject('there', { nodeSelector: { 'kubernetes.io/hostname': 'worker' } }));
  await cluster.settle();
  expect(['a', 'b', 'c'].map(nodeOf)).toEqual(['worker2', 'worker2', 'worker2']);
  expect(nodeOf('old')).toBe('worker');
  expect(scheduled('there')?.message).toContain('1 node(s) were unschedulable');
  expect(cluster.get('Node', 'worker').spec?.taints).toEqual([
    { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
  ]);
  cordon('worker', false);
  await cluster.settle();
  expect(nodeOf('there')).toBe('worker');
  expect(cluster.get('Node', 'worker').spec?.taints).toBeUndefined();
});

test('one broken object does not keep the others from going on', async () => {
  cluster = new TestCluster();
  cluster.installCalico();
  const broken = deploymentObject('broken', 1);
  cluster.store.create({ ...broken, spec: { ...broken.spec, strategy: { rollingUpdate: { maxSurge: 'some' } } } });
  cluster.store.create({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'empty', namespace: 'default' },
    spec: {},
  });
  cluster.store.create(deploymentObject('sound', 1));
  await expect(cluster.settle()).rejects.toThrow();
  expect(cluster.errors.map(String)).toContainEqual('Error: "some" is neither a number nor a percentage');
  expect(isRolledOut(cluster.get('Deployment', 'sound', 'default'))).toBe(true);
});

test('a pod that was bound by hand is nobody else to decide', async () => {
  cluster = new TestCluster();
  cluster.installCalico();
  cluster.store.create(podObject('there', { nodeName: 'control-plane' }));
  await cluster.settle();
  expect(nodeOf('there')).toBe('control-plane');
  expect(cluster.get('Pod', 'there', 'default').status?.phase).toBe('Running');
});

test('a cluster of 40 nodes runs 120 pods, with one pod of the DaemonSet on each node', async () => {
  cluster = new TestCluster(nodesOf(39));
  cluster.installCalico();
  cluster.store.create(daemonSetObject('nc', { tolerations: [{ operator: 'Exists' }] }));
  cluster.store.create(deploymentObject('backend', 40));
  cluster.store.create(deploymentObject('frontend', 40, { affinity: apartFrom('nothing') }));
  await cluster.settle();
  expect(cluster.pods()).toHaveLength(120);
  expect(cluster.pods().every(({ status }) => status?.phase === 'Running')).toBe(true);
  expect(new Set(cluster.pods({ app: 'nc' }).map(({ spec }) => spec?.nodeName)).size).toBe(40);
});

test('after stop, nothing is done any more', async () => {
  cluster = new TestCluster();
  cluster.installCalico();
  cluster.store.create(deploymentObject('web', 1));
  cluster.stop();
  const before = cluster.store.version;
  cluster.store.create(podObject('late'));
  await cluster.settle();
  expect(Number(cluster.store.version)).toBe(Number(before) + 1);
});
