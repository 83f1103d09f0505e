import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conditionOf } from '../../../src/kube-api/controllers/conditions.ts';
import type { Deployment, DeploymentSpec, Pod, ReplicaSet } from '../../../src/kube-api/controllers/kinds.ts';
import { deletePod, isReady } from '../../../src/kube-api/controllers/pods.ts';
import { planReplicaSet } from '../../../src/kube-api/controllers/replicaset.ts';
import { limits } from '../../../src/kube-api/controllers/rolling-update.ts';
import { deploymentObject, isRolledOut, podObject, restart, TestCluster } from './support.ts';

let cluster: TestCluster;
const deployment = (): Deployment => cluster.get('Deployment', 'web', 'default');
const replicaSets = () => cluster.store.list('ReplicaSet') as ReplicaSet[];
const serving = (pods: readonly Pod[]) => pods.filter((pod) => !pod.metadata.deletionTimestamp && isReady(pod)).length;
const live = (pods: readonly Pod[]) => pods.filter((pod) => !pod.metadata.deletionTimestamp).length;

function change(edit: (spec: DeploymentSpec) => void): void {
  cluster.store.modify('Deployment', 'default', 'web', (object) => {
    if (object.spec) edit((object as Deployment).spec as DeploymentSpec);
  });
}

beforeEach(() => {
  cluster = new TestCluster();
  cluster.installCalico();
});
afterEach(() => cluster.stop());

test.each<[DeploymentSpec['strategy'], number, number, number]>([
  [undefined, 4, 1, 1],
  [undefined, 1, 1, 0],
  [{ rollingUpdate: { maxSurge: '30%', maxUnavailable: '30%' } }, 5, 2, 1],
  [{ rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' } }, 5, 0, 1],
  [{ rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } }, 5, 2, 0],
])('the bounds of %j with %s replicas', (strategy, replicas, maxSurge, maxUnavailable) => {
  const { selector, template } = deploymentObject('web', replicas).spec as DeploymentSpec;
  expect(limits({ replicas, selector, template, ...(strategy && { strategy }) })).toEqual({ maxSurge, maxUnavailable });
});

test('scaling down takes pods without a node first, then those not ready, then doubled ones, then the youngest', () => {
  const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' as const }] };
  const pods = [
    { ...podObject('old-a', { nodeName: 'a' }), status: ready },
    { ...podObject('second-a', { nodeName: 'a' }), status: ready },
    { ...podObject('old-b', { nodeName: 'b' }), status: ready },
    podObject('starting', { nodeName: 'b' }),
    podObject('waiting'),
  ];
  const { metadata, spec } = deploymentObject('web', 1);
  const { selector, template } = spec as DeploymentSpec;
  const set: ReplicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata };
  const plan = planReplicaSet(set, { replicas: 1, selector, template }, pods as Pod[]);
  expect(plan.remove.map(({ metadata }) => metadata.name)).toEqual(['waiting', 'starting', 'second-a', 'old-b']);
});

describe('a Deployment', () => {
  test('has its replicas, and says so as kubectl wants to hear it', async () => {
    cluster.store.create(deploymentObject('web', 3));
    await cluster.settle();
    expect(isRolledOut(deployment())).toBe(true);
    const { conditions } = deployment().status ?? {};
    expect(conditionOf(conditions, 'Available')?.status).toBe('True');
    expect(conditionOf(conditions, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    const [set] = replicaSets();
    const hash = set?.metadata.labels?.['pod-template-hash'];
    expect(set?.metadata.name).toBe(`web-${hash}`);
    for (const pod of cluster.pods()) {
      expect(pod.metadata.name).toMatch(new RegExp(`^web-${hash}-[a-z0-9]{5}$`));
      expect(pod.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    }
  });

  test('is scaled up and down without a new revision', async () => {
    cluster.store.create(deploymentObject('web', 1));
    await cluster.settle();
    for (const replicas of [4, 2, 0, 3]) {
      change((spec) => {
        spec.replicas = replicas;
      });
      await cluster.settle();
      expect(cluster.pods()).toHaveLength(replicas);
      expect(isRolledOut(deployment())).toBe(true);
    }
    expect(replicaSets()).toHaveLength(1);
    expect(deployment().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
  });

  test('replaces a pod that is lost', async () => {
    cluster.store.create(deploymentObject('web', 2));
    await cluster.settle();
    const [first] = cluster.pods();
    if (first) deletePod(cluster.store, first, new Date());
    await cluster.settle();
    expect(cluster.pods()).toHaveLength(2);
    expect(cluster.pods().map(({ metadata }) => metadata.uid)).not.toContain(first?.metadata.uid);
    cluster.failing = 'web-';
    for (const pod of cluster.pods()) deletePod(cluster.store, pod, new Date());
    await cluster.settle();
    expect(conditionOf(deployment().status?.conditions, 'Available')?.status).toBe('False');
    // The rollout was done and stays so; `kubectl rollout status` looks at the counts.
    expect(conditionOf(deployment().status?.conditions, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
  });

  test('keeps old ReplicaSets at 0, and goes back to one with a new revision', async () => {
    cluster.store.create(deploymentObject('web', 2));
    await cluster.settle();
    const [first] = replicaSets();
    restart(cluster.store, 'Deployment', 'web', '2026-01-01T00:00:00Z');
    await cluster.settle();
    expect(
      replicaSets()
        .map(({ spec }) => spec?.replicas)
        .sort(),
    ).toEqual([0, 2]);
    expect(deployment().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    // As `kubectl rollout undo` writes it: the template of the old ReplicaSet.
    change((spec) => {
      delete spec.template.metadata?.annotations;
    });
    await cluster.settle();
    const again = cluster.get('ReplicaSet', first?.metadata.name ?? '', 'default');
    expect(again).toMatchObject({
      spec: { replicas: 2 },
      metadata: { annotations: { 'deployment.kubernetes.io/revision': '3' } },
    });
    expect(replicaSets()).toHaveLength(2);
    expect(isRolledOut(deployment())).toBe(true);
  });

  test('forgets what is beyond revisionHistoryLimit', async () => {
    cluster.store.create(deploymentObject('web', 1));
    change((spec) => {
      spec.revisionHistoryLimit = 2;
    });
    for (let at = 0; at < 5; at += 1) {
      restart(cluster.store, 'Deployment', 'web', String(at));
      await cluster.settle();
    }
    const revisions = replicaSets().map(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision']);
    expect(revisions.sort()).toEqual(['3', '4', '5']);
  });

  test('with Recreate has nothing of the new before all of the old is gone', async () => {
    cluster.store.create(deploymentObject('web', 3));
    change((spec) => {
      spec.strategy = { type: 'Recreate' };
    });
    await cluster.settle();
    const kinds: number[] = [];
    cluster.onPodChange.push((pods) => {
      kinds.push(new Set(pods.map(({ metadata }) => metadata.labels?.['pod-template-hash'])).size);
    });
    restart(cluster.store, 'Deployment', 'web', 'now');
    await cluster.settle();
    expect(Math.max(...kinds)).toBe(1);
    expect(Math.min(...kinds)).toBe(0);
    expect(isRolledOut(deployment())).toBe(true);
  });

  test('that cannot start its new pods keeps enough of the old ones, and can be rolled back', async () => {
    cluster.store.create(deploymentObject('web', 4));
    await cluster.settle();
    cluster.failing = 'web-';
    restart(cluster.store, 'Deployment', 'web', 'broken');
    await cluster.settle();
    expect(serving(cluster.pods())).toBe(3);
    expect(isRolledOut(deployment())).toBe(false);
    expect(conditionOf(deployment().status?.conditions, 'Progressing')?.reason).toBe('ReplicaSetUpdated');
    cluster.failing = undefined;
    change((spec) => {
      delete spec.template.metadata?.annotations;
    });
    await cluster.settle();
    expect(isRolledOut(deployment())).toBe(true);
  });

  test('that is paused scales but does not roll', async () => {
    cluster.store.create(deploymentObject('web', 1));
    await cluster.settle();
    change((spec) => {
      Object.assign(spec, { paused: true, replicas: 3 });
    });
    restart(cluster.store, 'Deployment', 'web', 'later');
    await cluster.settle();
    expect(replicaSets()).toHaveLength(1);
    expect(cluster.pods()).toHaveLength(3);
    change((spec) => {
      spec.paused = false;
    });
    await cluster.settle();
    expect(replicaSets()).toHaveLength(2);
    expect(isRolledOut(deployment())).toBe(true);
  });

  test('takes pods that wait for a node away at once', async () => {
    cluster.store.create(deploymentObject('web', 3, { nodeSelector: { disk: 'none' } }));
    await cluster.settle();
    expect(cluster.pods()).toHaveLength(3);
    expect(conditionOf(deployment().status?.conditions, 'Available')?.status).toBe('False');
    change((spec) => {
      spec.replicas = 1;
    });
    await cluster.settle();
    expect(cluster.pods()).toHaveLength(1);
  });

  test('takes in pods that belong to nobody and fit the selector of its ReplicaSet', async () => {
    cluster.store.create(deploymentObject('web', 1));
    await cluster.settle();
    const [pod] = cluster.pods();
    cluster.store.create(podObject('stray', { nodeName: 'worker' }, { labels: { ...pod?.metadata.labels } }));
    await cluster.settle();
    expect(cluster.pods()).toHaveLength(1);
  });
});

test('a rolling update stays within maxSurge and maxUnavailable at every moment, and ends', async () => {
  const bound = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('0%', '25%', '50%', '100%'));
  const cases = fc.record({ replicas: fc.integer({ min: 1, max: 7 }), maxSurge: bound, maxUnavailable: bound });
  await fc.assert(
    fc.asyncProperty(cases, async ({ replicas, maxSurge, maxUnavailable }) => {
      const name = 'web';
      const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
      const object = deploymentObject(name, replicas);
      cluster.store.create({ ...object, spec: { ...object.spec, strategy } });
      await cluster.settle();
      const most = limits({ ...(object.spec as DeploymentSpec), strategy });
      const check = (pods: readonly Pod[]) => {
        expect(live(pods)).toBeLessThanOrEqual(replicas + most.maxSurge);
        expect(serving(pods)).toBeGreaterThanOrEqual(replicas - most.maxUnavailable);
      };
      cluster.onPodChange.push(check);
      restart(cluster.store, 'Deployment', name, 'now');
      await cluster.settle();
      cluster.onPodChange.length = 0;
      expect(isRolledOut(deployment())).toBe(true);
      cluster.store.remove('Deployment', 'default', name);
      for (const { metadata } of replicaSets()) cluster.store.remove('ReplicaSet', 'default', metadata.name);
      for (const pod of cluster.pods()) deletePod(cluster.store, pod, new Date());
      await cluster.settle();
    }),
    { numRuns: 40 },
  );
});
