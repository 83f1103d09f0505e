import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planDaemonSet } from '../../../src/kube-api/controllers/daemonset.ts';
import type { DaemonSet, DaemonSetSpec, Node, Pod } from '../../../src/kube-api/controllers/kinds.ts';
import { hashOf } from '../../../src/kube-api/controllers/names.ts';
import { deletePod } from '../../../src/kube-api/controllers/pods.ts';
import { daemonSetObject, isRolledOut, nodeObject, podObject, restart, TestCluster } from './support.ts';

const CONTROL_PLANE = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

describe('what a DaemonSet does next', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((name) => nodeObject(name));
  const daemonSet = daemonSetObject('nc');
  const current = hashOf(daemonSet.spec?.template);

  function pod(node: string, { revision = current, ready = true, name = `nc-${node}`, leaving = false } = {}): Pod {
    const labels = { app: 'nc', 'controller-revision-hash': revision };
    const made = podObject(name, { nodeName: node }, { labels });
    if (leaving) made.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    return { ...made, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } };
  }

  function plan(
    pods: readonly Pod[],
    { spec = {}, on = nodes }: { spec?: Partial<DaemonSetSpec>; on?: readonly Node[] } = {},
  ) {
    const full = { ...(daemonSet.spec as DaemonSetSpec), ...spec };
    const { create, remove, status } = planDaemonSet(daemonSet, full, on, pods);
    return { create, remove: remove.map(({ metadata }) => metadata.name), status };
  }

  test('one pod a node, and none more', () => {
    expect(plan([pod('a'), pod('b'), pod('b', { name: 'nc-late' })])).toMatchObject({
      create: ['c', 'd'],
      remove: ['nc-late'],
    });
  });

  test('a node gets its new pod only when the old one is gone', () => {
    expect(plan([pod('a', { leaving: true })]).create).toEqual(['b', 'c', 'd']);
  });

  test('taints keep new pods away; NoExecute and node labels send away those that run', () => {
    const on = [
      nodeObject('a', { taints: [CONTROL_PLANE] }),
      nodeObject('b', { taints: [{ key: 'k', effect: 'NoExecute' }] }),
      nodeObject('c', {
        unschedulable: true,
        taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
      }),
    ];
    expect(plan([], { on })).toMatchObject({ create: ['c'], remove: [] });
    expect(plan([pod('a'), pod('b')], { on })).toMatchObject({
      create: ['c'],
      remove: ['nc-b'],
      status: { numberMisscheduled: 2 },
    });
    const template = { ...daemonSet.spec?.template, spec: { containers: [], nodeSelector: { disk: 'ssd' } } };
    expect(plan([pod('a')], { on: [nodeObject('a')], spec: { template } })).toMatchObject({
      create: [],
      remove: ['nc-a'],
    });
  });

  const old = { revision: 'older' };
  const all = (changed: Record<string, Parameters<typeof pod>[1]> = {}) =>
    nodes.map(({ metadata: { name } }) => pod(name, { ...old, ...changed[name] }));
  test.each<[string, Pod[], DaemonSetSpec['updateStrategy'], string[]]>([
    ['one after another by default', all(), undefined, ['nc-a']],
    ['nothing while one is missing', all({ a: { revision: current, ready: false } }), undefined, []],
    ['the next when the new one is ready', all({ a: { revision: current } }), undefined, ['nc-b']],
    ['nothing while one is leaving', all({ a: { leaving: true } }), undefined, []],
    ['as many as maxUnavailable', all(), { rollingUpdate: { maxUnavailable: 3 } }, ['nc-a', 'nc-b', 'nc-c']],
    ['percent, rounded up', all(), { rollingUpdate: { maxUnavailable: '30%' } }, ['nc-a', 'nc-b']],
    [
      'broken ones at once',
      all({ c: { ...old, ready: false }, d: { ...old, ready: false } }),
      undefined,
      ['nc-c', 'nc-d'],
    ],
    ['none with OnDelete', all({ c: { ...old, ready: false } }), { type: 'OnDelete' }, []],
  ])('an update replaces %s', (_, pods, updateStrategy, removed) => {
    expect(plan(pods, { spec: { ...(updateStrategy && { updateStrategy }) } }).remove).toEqual(removed);
  });

  test('a pod that failed stays and is not made again for ever', () => {
    const failed = { ...pod('a'), status: { phase: 'Failed' } };
    expect(plan([failed], { on: [nodeObject('a')] })).toMatchObject({ create: [], remove: [] });
  });

  test('the status counts what kubectl asks for', () => {
    expect(plan([pod('a'), pod('b', old), pod('c', { ready: false })]).status).toEqual({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 4,
      numberAvailable: 2,
      numberMisscheduled: 0,
      numberReady: 2,
      numberUnavailable: 2,
      observedGeneration: 1,
      updatedNumberScheduled: 2,
    });
  });
});

describe('DaemonSets in a cluster', () => {
  let cluster: TestCluster;
  const daemonSet = (): DaemonSet => cluster.get('DaemonSet', 'nc', 'default');
  const nodesOfPods = () =>
    cluster
      .pods({ app: 'nc' })
      .map(({ spec }) => spec?.nodeName)
      .sort();

  beforeEach(() => {
    cluster = new TestCluster();
    cluster.installCalico();
  });
  afterEach(() => cluster.stop());

  test('run on the workers, and on the control plane with a toleration', async () => {
    cluster.store.create(daemonSetObject('nc'));
    await cluster.settle();
    expect(nodesOfPods()).toEqual(['worker', 'worker2']);
    cluster.store.modify('DaemonSet', 'default', 'nc', (object) => {
      const { spec } = (object as DaemonSet).spec?.template ?? {};
      if (spec) spec.tolerations = [{ key: CONTROL_PLANE.key, operator: 'Exists' }];
    });
    await cluster.settle();
    expect(nodesOfPods()).toEqual(['control-plane', 'worker', 'worker2']);
    expect(isRolledOut(daemonSet())).toBe(true);
    for (const { metadata, spec } of cluster.pods({ app: 'nc' })) {
      expect(metadata.name).toMatch(/^nc-[a-z0-9]{5}$/);
      expect(metadata.labels).toMatchObject({
        'pod-template-generation': '2',
        'controller-revision-hash': expect.any(String),
      });
      expect(metadata.ownerReferences).toMatchObject([
        { kind: 'DaemonSet', name: 'nc', uid: daemonSet().metadata.uid, controller: true },
      ]);
      expect(spec?.affinity?.nodeAffinity).toEqual({
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [spec?.nodeName] }] }],
        },
      });
    }
  });

  test('a restart replaces every pod, one node at a time, and comes to its end', async () => {
    cluster.store.create(daemonSetObject('nc', { tolerations: [{ operator: 'Exists' }] }));
    await cluster.settle();
    const before = cluster.pods({ app: 'nc' }).map(({ metadata }) => metadata.uid);
    let fewest = 3;
    cluster.onPodChange.push((pods) => {
      const serving = pods.filter(
        (pod) =>
          !pod.metadata.deletionTimestamp &&
          pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      );
      fewest = Math.min(fewest, serving.length);
    });
    restart(cluster.store, 'DaemonSet', 'nc', '2026-01-01T00:00:00Z');
    expect(isRolledOut(daemonSet())).toBe(false);
    await cluster.settle();
    const after = cluster.pods({ app: 'nc' }).map(({ metadata }) => metadata.uid);
    expect(after).toHaveLength(3);
    expect(before.filter((uid) => after.includes(uid))).toEqual([]);
    expect(isRolledOut(daemonSet())).toBe(true);
    expect(fewest).toBe(2);
  });

  test('a restart that goes wrong stops at the first pod', async () => {
    cluster.store.create(daemonSetObject('nc', { tolerations: [{ operator: 'Exists' }] }));
    await cluster.settle();
    cluster.failing = 'nc-';
    restart(cluster.store, 'DaemonSet', 'nc', '2026-01-01T00:00:00Z');
    await cluster.settle();
    expect(daemonSet().status).toMatchObject({ numberReady: 2, updatedNumberScheduled: 1, numberUnavailable: 1 });
  });

  test('a pod that somebody deletes comes back, also on a cordoned node; a relabelled one is set free', async () => {
    cluster.store.create(daemonSetObject('nc'));
    await cluster.settle();
    cluster.store.modify('Node', undefined, 'worker', (node) => {
      node.spec = { ...node.spec, unschedulable: true };
    });
    for (const pod of cluster.pods()) deletePod(cluster.store, pod, new Date());
    await cluster.settle();
    expect(nodesOfPods()).toEqual(['worker', 'worker2']);
    const [pod] = cluster.pods();
    cluster.store.modify('Pod', 'default', pod?.metadata.name ?? '', ({ metadata }) => {
      metadata.labels = { app: 'quarantine' };
    });
    await cluster.settle();
    expect(nodesOfPods()).toEqual(['worker', 'worker2']);
    expect(cluster.pods({ app: 'quarantine' })).toMatchObject([
      { metadata: { name: pod?.metadata.name, ownerReferences: [] } },
    ]);
  });

  test('nodes that are not ready get no pods until the network is there', async () => {
    const bare = new TestCluster();
    bare.store.create(daemonSetObject('nc'));
    await bare.settle();
    expect(bare.pods()).toEqual([]);
    bare.installCalico();
    await bare.settle();
    expect(bare.pods()).toHaveLength(2);
    bare.stop();
  });
});
