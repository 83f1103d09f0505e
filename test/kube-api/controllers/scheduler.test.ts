import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { meets } from '../../../src/kube/selectors.ts';
import type { Node, Pod, PodSpec, Taint, Toleration } from '../../../src/kube-api/controllers/kinds.ts';
import { matchesNodeAffinity, tolerates } from '../../../src/kube-api/controllers/node-fit.ts';
import { planScheduling } from '../../../src/kube-api/controllers/scheduler.ts';
import { apartFrom, nodeObject, podObject } from './support.ts';

const CONTROL_PLANE: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
const THREE = [nodeObject('cp', { taints: [CONTROL_PLANE] }), nodeObject('worker'), nodeObject('worker2')];

/** Returns the node of each pod, or why it has none. */
function schedule(pods: readonly Pod[], nodes: readonly Node[] = THREE, namespaces: readonly string[] = []) {
  const labelled = namespaces.map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { team: name } },
  }));
  const decisions = planScheduling({ nodes, pods, namespaces: labelled });
  return decisions.map((decision) => ('node' in decision ? decision.node : decision.message));
}

describe('which nodes fit', () => {
  test.each([
    ['In', ['a', 'b'], 'a', true],
    ['In', ['a'], undefined, false],
    ['NotIn', ['a'], 'b', true],
    ['NotIn', ['a'], undefined, true],
    ['NotIn', ['a'], 'a', false],
    ['Exists', undefined, '', true],
    ['Exists', undefined, undefined, false],
    ['DoesNotExist', undefined, undefined, true],
    ['DoesNotExist', undefined, '', false],
    ['Gt', ['5'], '10', true],
    ['Gt', ['5'], '5', false],
    ['Lt', ['5'], '-1', true],
    ['Lt', ['5'], 'x', false],
    ['Gt', ['5'], undefined, false],
    ['Near', ['a'], 'a', false],
  ])('%s %j of %j is %s', (operator, values, value, met) => {
    expect(meets({ key: 'k', operator, ...(values && { values }) }, value)).toBe(met);
  });

  test.each<[string, Toleration, boolean]>([
    ['the same key and value', { key: 'k', value: 'v', effect: 'NoSchedule' }, true],
    ['every effect', { key: 'k', value: 'v' }, true],
    ['another value', { key: 'k', value: 'w' }, false],
    ['another effect', { key: 'k', value: 'v', effect: 'NoExecute' }, false],
    ['Exists on the key', { key: 'k', operator: 'Exists' }, true],
    ['Exists on another key', { key: 'l', operator: 'Exists' }, false],
    ['Exists on everything', { operator: 'Exists' }, true],
    ['no key without Exists', { value: 'v' }, false],
  ])('a toleration of %s', (_, toleration, tolerated) => {
    expect(tolerates([toleration], { key: 'k', value: 'v', effect: 'NoSchedule' })).toBe(tolerated);
  });

  test.each<[string, Partial<PodSpec>, boolean]>([
    ['the right label', { nodeSelector: { disk: 'ssd' } }, true],
    ['a wrong label', { nodeSelector: { disk: 'hdd' } }, false],
    [
      'its name',
      { affinity: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }) },
      true,
    ],
    [
      'not its name',
      { affinity: required({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n'] }] }) },
      false,
    ],
    ['an unknown field', { affinity: required({ matchFields: [{ key: 'spec.podCIDR', operator: 'Exists' }] }) }, false],
    [
      'one of two terms',
      {
        affinity: required(
          { matchExpressions: [{ key: 'x', operator: 'Exists' }] },
          { matchExpressions: [{ key: 'disk', operator: 'Exists' }] },
        ),
      },
      true,
    ],
    [
      'only one of two expressions',
      {
        affinity: required({
          matchExpressions: [
            { key: 'x', operator: 'Exists' },
            { key: 'disk', operator: 'Exists' },
          ],
        }),
      },
      false,
    ],
    ['an empty term', { affinity: required({}) }, false],
    [
      'both selector and affinity',
      {
        nodeSelector: { disk: 'hdd' },
        affinity: required({ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }),
      },
      false,
    ],
  ])('a pod that asks for %s', (_, spec, fits) => {
    expect(matchesNodeAffinity({ containers: [], ...spec }, nodeObject('n', {}, { disk: 'ssd' }))).toBe(fits);
  });
});

describe('where pods go', () => {
  test('spread over the nodes that they tolerate, those with the fewest pods first, then by name', () => {
    const resident = podObject('resident', { nodeName: 'worker' });
    expect(schedule([resident, ...['a', 'b', 'c'].map((name) => podObject(name))])).toEqual([
      'worker2',
      'worker',
      'worker2',
    ]);
  });

  test('replicas of one controller spread even where other pods make the nodes uneven', () => {
    const owner = {
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }],
    };
    const residents = ['x', 'y', 'z'].map((name) => podObject(name, { nodeName: 'worker' }));
    const replicas = ['a', 'b'].map((name) => podObject(name, {}, owner));
    expect(schedule([...residents, ...replicas])).toEqual(['worker2', 'worker']);
  });

  test('older pods first', () => {
    const young = podObject(
      'young',
      { affinity: apartFrom('x') },
      { creationTimestamp: '2026-01-02T00:00:00Z', labels: { app: 'x' } },
    );
    const old = podObject(
      'old',
      { affinity: apartFrom('x') },
      { creationTimestamp: '2026-01-01T00:00:00Z', labels: { app: 'x' } },
    );
    const decisions = planScheduling({ nodes: [nodeObject('only')], pods: [young, old], namespaces: [] });
    expect(decisions).toMatchObject([
      { pod: { metadata: { name: 'old' } }, node: 'only' },
      { pod: { metadata: { name: 'young' } } },
    ]);
  });

  test('preferences outweigh spreading', () => {
    const nodes = [
      nodeObject('a'),
      nodeObject('b', {}, { disk: 'ssd' }),
      nodeObject('c', { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] }),
    ];
    const preference = { matchExpressions: [{ key: 'disk', operator: 'Exists' }] };
    const wish = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, preference }] } };
    expect(schedule([podObject('r', { nodeName: 'b' }), podObject('p', { affinity: wish })], nodes)).toEqual(['b']);
    expect(
      schedule([podObject('r', { nodeName: 'a' }), podObject('s', { nodeName: 'b' }), podObject('p')], nodes),
    ).toEqual(['a']);
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } };
    const db = podObject('db', { nodeName: 'b' }, { labels: { app: 'db' } });
    const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] };
    expect(schedule([db, podObject('p', { affinity: { podAffinity: preferred } })], nodes)).toEqual(['b']);
    const two = nodes.slice(0, 2);
    const crowd = ['x', 'y'].map((name) => podObject(name, { nodeName: 'a' }));
    expect(schedule([db, ...crowd, podObject('p', { affinity: { podAntiAffinity: preferred } })], two)).toEqual(['a']);
  });

  test.each<[string, Partial<PodSpec>, Partial<Pod['metadata']>, Partial<Pod>]>([
    ['the user chose its node', { nodeName: 'cp' }, {}, {}],
    ['it waits for a gate', { schedulingGates: [{ name: 'g' }] }, {}, {}],
    ['it has another scheduler', { schedulerName: 'mine' }, {}, {}],
    ['it is on its way out', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }, {}],
    ['it has ended', {}, {}, { status: { phase: 'Failed' } }],
  ])('a pod is left alone when %s', (_, spec, metadata, rest) => {
    expect(schedule([{ ...podObject('p', spec, metadata), ...rest }])).toEqual([]);
  });
});

describe('pods that seek or avoid each other', () => {
  const backend = (node: string, spec: Partial<PodSpec> = {}) =>
    podObject('backend', { nodeName: node, ...spec }, { labels: { app: 'backend' } });

  test('a pod avoids the one that it must not meet', () => {
    expect(schedule([backend('worker'), podObject('f', { affinity: apartFrom('backend') })])).toEqual(['worker2']);
  });

  test('and the other way round: a pod without rules is kept away by the one that has them', () => {
    const hermit = backend('worker', { affinity: apartFrom('frontend') });
    const frontend = podObject('f', {}, { labels: { app: 'frontend' } });
    expect(schedule([hermit, frontend])).toEqual(['worker2']);
  });

  test('pods that have ended are no reason, those on their way out are', () => {
    const seeker = podObject('f', { affinity: apartFrom('backend') });
    const crowd = [podObject('x', { nodeName: 'worker2' })];
    expect(schedule([{ ...backend('worker'), status: { phase: 'Succeeded' } }, ...crowd, seeker])).toEqual(['worker']);
    const leaving = backend('worker');
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(schedule([leaving, ...crowd, seeker])).toEqual(['worker2']);
  });

  test('affinity follows, and the first of a group may start it', () => {
    const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'backend' } } };
    const together = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const nodes = [
      nodeObject('a', {}, { zone: '1' }),
      nodeObject('b', {}, { zone: '2' }),
      nodeObject('c', {}, { zone: '2' }),
      nodeObject('d'),
    ];
    expect(schedule([backend('b'), podObject('p', { affinity: together })], nodes)).toEqual(['c']);
    expect(schedule([podObject('p', { affinity: together })], nodes)).toEqual([
      expect.stringContaining("4 node(s) didn't match pod affinity rules"),
    ]);
    const labels = { app: 'backend' };
    const group = ['p', 'q'].map((name) => podObject(name, { affinity: together }, { labels }));
    const [first, second] = schedule(group, nodes);
    expect(['a', 'b', 'c']).toContain(first);
    expect(nodes.find(({ metadata }) => metadata.name === second)?.metadata.labels?.zone).toBe(
      nodes.find(({ metadata }) => metadata.name === first)?.metadata.labels?.zone,
    );
  });

  test.each([
    ['its own namespace by default', {}, 'worker'],
    ['named namespaces', { namespaces: ['other'] }, 'worker2'],
    ['namespaces by label', { namespaceSelector: { matchLabels: { team: 'other' } } }, 'worker2'],
    ['all namespaces', { namespaceSelector: {} }, 'worker2'],
    ['no such namespace', { namespaceSelector: { matchLabels: { team: 'none' } } }, 'worker'],
  ])('a term speaks of pods in %s', (_, where, node) => {
    const term = {
      topologyKey: 'kubernetes.io/hostname',
      labelSelector: { matchLabels: { app: 'backend' } },
      ...where,
    };
    const pod = podObject('p', {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
    });
    const other = backend('worker');
    other.metadata.namespace = 'other';
    const crowd = podObject('x', { nodeName: 'worker2' });
    expect(schedule([other, crowd, podObject('y', { nodeName: 'worker2' }), pod], THREE, ['default', 'other'])).toEqual(
      [node],
    );
  });
});

describe("why a pod goes nowhere, in Kubernetes' words", () => {
  test('each node is counted under its first objection', () => {
    const residents = ['worker', 'worker2'].map((node) =>
      podObject(`b-${node}`, { nodeName: node }, { labels: { app: 'backend' } }),
    );
    expect(schedule([...residents, podObject('f', { affinity: apartFrom('backend') })])).toEqual([
      "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 node(s) didn't match pod anti-affinity rules. " +
        'preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
    ]);
  });

  test.each<[string, Node[], string]>([
    ['cordoned', [nodeObject('n', { unschedulable: true, taints: [CONTROL_PLANE] })], '1 node(s) were unschedulable.'],
    [
      'not ready',
      [{ ...nodeObject('n'), status: { conditions: [{ type: 'Ready', status: 'False' }] } }],
      '1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.',
    ],
    [
      'without a condition',
      [{ ...nodeObject('n'), status: {} }],
      '1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.',
    ],
    [
      'full',
      [{ ...nodeObject('n'), status: { ...nodeObject('n').status, allocatable: { pods: '0' } } }],
      '1 Too many pods.',
    ],
    [
      'NoExecute',
      [nodeObject('n', { taints: [{ key: 'k', value: 'v', effect: 'NoExecute' }] })],
      '1 node(s) had untolerated taint {k: v}.',
    ],
    [
      'not selected',
      [nodeObject('n', {}, { 'kubernetes.io/hostname': 'm' })],
      "1 node(s) didn't match Pod's node affinity/selector.",
    ],
  ])('nodes that are %s', (name, nodes, reason) => {
    const spec = name === 'not selected' ? { nodeSelector: { 'kubernetes.io/hostname': 'n' } } : {};
    expect(schedule([podObject('p', spec)], nodes)).toEqual([
      expect.stringContaining(`0/1 nodes are available: ${reason} preemption:`),
    ]);
  });

  test('no nodes at all', () => {
    expect(schedule([podObject('p')], [])).toEqual(['no nodes available to schedule pods']);
  });
});

test('no required rule is ever broken, and a pod waits only where every node breaks one', () => {
  fc.assert(
    fc.property(clusters(), ({ nodes, pods }) => {
      const placed = new Map(pods.filter(({ spec }) => spec?.nodeName).map((pod) => [pod, pod.spec?.nodeName ?? '']));
      for (const decision of planScheduling({ nodes, pods, namespaces: [] })) {
        const allowed = nodes
          .filter((node) => isAllowed(decision.pod, node, placed))
          .map(({ metadata }) => metadata.name);
        if ('node' in decision) {
          expect(allowed).toContain(decision.node);
          placed.set(decision.pod, decision.node);
        } else expect(allowed).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

function clusters() {
  const app = fc.constantFrom('x', 'y', 'z');
  const taint = fc.constantFrom<Taint>(
    { key: 'k', value: '1', effect: 'NoSchedule' },
    { key: 'k', value: '2', effect: 'NoExecute' },
    { key: 'p', effect: 'PreferNoSchedule' },
  );
  const node = fc.record({
    taints: fc.array(taint, { maxLength: 2 }),
    unschedulable: fc.boolean(),
    disk: fc.constantFrom('ssd', 'hdd'),
  });
  const pod = fc.record({
    app,
    avoids: fc.array(app, { maxLength: 2 }),
    disk: fc.option(fc.constantFrom('ssd', 'hdd'), { nil: undefined }),
    tolerates: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
    bound: fc.option(fc.nat(3), { nil: undefined }),
  });
  return fc
    .record({ nodes: fc.array(node, { minLength: 1, maxLength: 4 }), pods: fc.array(pod, { maxLength: 10 }) })
    .map(({ nodes, pods }) => ({
      nodes: nodes.map(({ disk, ...spec }, index) => nodeObject(`n${index}`, spec, { disk })),
      pods: pods.map(({ app: own, avoids, disk, tolerates: value, bound }, index) =>
        podObject(
          `p${index}`,
          {
            ...(bound !== undefined && bound < nodes.length && { nodeName: `n${bound}` }),
            ...(avoids.length > 0 && { affinity: apartFrom(...avoids) }),
            ...(disk && { nodeSelector: { disk } }),
            ...(value && { tolerations: [{ key: 'k', value }] }),
          },
          { labels: { app: own } },
        ),
      ),
    }));
}

/** The required rules once more, said as plainly as can be, for the pods that `clusters` makes. */
function isAllowed(pod: Pod, node: Node, placed: ReadonlyMap<Pod, string>): boolean {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect !== 'PreferNoSchedule');
  const value = pod.spec?.tolerations?.[0]?.value;
  if (node.spec?.unschedulable || taints.some((taint) => taint.value !== value)) return false;
  const { disk } = pod.spec?.nodeSelector ?? {};
  if (disk && disk !== node.metadata.labels?.disk) return false;
  const neighbours = [...placed].filter(([, where]) => where === node.metadata.name).map(([other]) => other);
  return !neighbours.some((other) => avoids(pod, other) || avoids(other, pod));
}

function avoids(one: Pod, other: Pod): boolean {
  const [term] = one.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return term?.labelSelector?.matchExpressions?.[0]?.values?.includes(other.metadata.labels?.app ?? '') ?? false;
}

function required(
  ...nodeSelectorTerms: NonNullable<
    NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
  >['nodeSelectorTerms']
) {
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
}
