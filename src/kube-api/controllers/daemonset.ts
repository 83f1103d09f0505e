import { attempt, type ControllerContext, reconcileOnChange } from './controller.ts';
import type {
  DaemonSet,
  DaemonSetSpec,
  DaemonSetStatus,
  Node,
  NodeAffinity,
  Pod,
  PodSpec,
  Toleration,
} from './kinds.ts';
import { hashOf, scaledValue } from './names.ts';
import { matchesNodeAffinity, NOT_READY, UNREACHABLE, UNSCHEDULABLE, untolerated } from './node-fit.ts';
import { writeStatus } from './object-cache.ts';
import { applyClaims, planClaims } from './ownership.ts';
import { deletePod, freshPodName, isReady, isTerminating, oldestFirst, podFromTemplate } from './pods.ts';

const HASH_LABEL = 'controller-revision-hash';

/** The taints that every DaemonSet pod tolerates (kubernetes, pkg/controller/daemon/util: AddOrUpdateDaemonPodTolerations). */
const TOLERATED: readonly Toleration[] = [
  { key: NOT_READY, operator: 'Exists', effect: 'NoExecute' },
  { key: UNREACHABLE, operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: UNSCHEDULABLE, operator: 'Exists', effect: 'NoSchedule' },
];
const TOLERATED_ON_HOST_NETWORK: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

export interface DaemonSetPlan {
  /** Names of the nodes that need a pod. */
  create: string[];
  remove: Pod[];
  status: DaemonSetStatus;
}

/** Keeps one pod of each DaemonSet on each node that should have one, and replaces pods of an older template. */
export function runDaemonSets(context: ControllerContext): () => void {
  return reconcileOnChange(context, 'daemonset-controller', ['DaemonSet', 'Pod', 'Node'], () => {
    for (const daemonSet of context.cache.list('DaemonSet')) {
      if (isTerminating(daemonSet)) continue;
      attempt(context, `reconciling daemonset ${daemonSet.metadata.name}`, () => reconcile(context, daemonSet));
    }
  });
}

function reconcile(context: ControllerContext, daemonSet: DaemonSet): void {
  const { store, cache, record, now } = context;
  const { spec } = daemonSet;
  if (!spec) return;
  const claims = planClaims(daemonSet, spec.selector, cache.list('Pod'));
  applyClaims(store, daemonSet, claims);
  const plan = planDaemonSet(daemonSet, spec, cache.list('Node'), [...claims.owned, ...claims.adopt]);
  for (const node of plan.create) {
    const name = freshPodName(context, daemonSet);
    const pod = store.create(daemonPod(daemonSet, spec, node, name));
    record('daemonset-controller', daemonSet, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  }
  for (const pod of plan.remove) {
    deletePod(store, pod, now());
    record('daemonset-controller', daemonSet, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
  writeStatus(store, 'DaemonSet', daemonSet, plan.status);
}

/**
 * Which pods to add and which to end. A node gets its new pod only when the old one is gone, as in Kubernetes.
 * Unlike there, a pod that failed is not replaced: without timers there is no backing off, and a pod that fails at once
 * would be made again for ever. It stays to be looked at, and `kubectl delete pod` brings a fresh one.
 */
export function planDaemonSet(
  daemonSet: DaemonSet,
  spec: DaemonSetSpec,
  nodes: readonly Node[],
  pods: readonly Pod[],
): DaemonSetPlan {
  const hash = hashOf(spec.template);
  const probe = daemonPodSpec(spec.template.spec);
  const places = nodes.map((node) => ({
    node: node.metadata.name,
    ...placement(probe, node),
    pods: pods.filter((pod) => targetNode(pod) === node.metadata.name).sort(oldestFirst),
  }));
  const create: string[] = [];
  const remove: Pod[] = [];
  for (const { node, shouldRun, mayStay, pods: there } of places) {
    const live = there.filter((pod) => !isTerminating(pod));
    if (!mayStay) remove.push(...live);
    else if (shouldRun && there.length === 0) create.push(node);
    else remove.push(...live.slice(1));
  }
  const wanted = places.filter(({ shouldRun }) => shouldRun);
  const staying = wanted.map(({ pods: there }) => there.find((pod) => !isTerminating(pod)));
  remove.push(...outdatedToReplace(spec, staying, hash));
  return { create, remove, status: statusOf(daemonSet, places, hash) };
}

/** The pods of an older template that may go now: all that are not available anyway, and others as far as `maxUnavailable` goes. */
function outdatedToReplace(spec: DaemonSetSpec, pods: readonly (Pod | undefined)[], hash: string): Pod[] {
  if (spec.updateStrategy?.type === 'OnDelete') return [];
  const { maxUnavailable = 1, maxSurge = 0 } = spec.updateStrategy?.rollingUpdate ?? {};
  // A surge would run two pods on one node for a moment; here its number counts as pods that may be missing, so that the
  // rollout of such a DaemonSet gets on too.
  const budget = Math.max(1, scaledValue(maxUnavailable, pods.length, 'up'), scaledValue(maxSurge, pods.length, 'up'));
  const present = pods.filter((pod) => pod !== undefined);
  const outdated = present.filter((pod) => pod.metadata.labels?.[HASH_LABEL] !== hash);
  const broken = outdated.filter((pod) => !isReady(pod));
  const missing = pods.length - present.filter(isReady).length;
  return [...broken, ...outdated.filter(isReady).slice(0, Math.max(0, budget - missing))];
}

function placement(probe: PodSpec, node: Node): { shouldRun: boolean; mayStay: boolean } {
  if (!matchesNodeAffinity(probe, node)) return { shouldRun: false, mayStay: false };
  const shouldRun = !untolerated(probe, node, ['NoSchedule', 'NoExecute']);
  return { shouldRun, mayStay: shouldRun || !untolerated(probe, node, ['NoExecute']) };
}

interface Place {
  shouldRun: boolean;
  pods: Pod[];
}

function statusOf({ metadata }: DaemonSet, places: readonly Place[], hash: string): DaemonSetStatus {
  const wanted = places.filter(({ shouldRun }) => shouldRun);
  const running = wanted.flatMap(({ pods }) => pods.find((pod) => !isTerminating(pod)) ?? pods[0] ?? []);
  const ready = running.filter((pod) => isReady(pod) && !isTerminating(pod)).length;
  return {
    currentNumberScheduled: running.length,
    desiredNumberScheduled: wanted.length,
    numberMisscheduled: places.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0).length,
    numberReady: ready,
    numberAvailable: ready,
    numberUnavailable: wanted.length - ready,
    updatedNumberScheduled: running.filter((pod) => pod.metadata.labels?.[HASH_LABEL] === hash).length,
    observedGeneration: metadata.generation ?? 1,
  };
}

function daemonPod(daemonSet: DaemonSet, spec: DaemonSetSpec, node: string, name: string): Pod {
  const pod = podFromTemplate(spec.template, daemonSet, {
    name,
    labels: {
      [HASH_LABEL]: hashOf(spec.template),
      'pod-template-generation': String(daemonSet.metadata.generation ?? 1),
    },
  });
  const base = daemonPodSpec(pod.spec ?? spec.template.spec);
  const affinity = { ...base.affinity, nodeAffinity: pinned(base.affinity?.nodeAffinity, node) };
  return { ...pod, spec: { ...base, affinity } };
}

function daemonPodSpec(spec: PodSpec): PodSpec {
  const added = spec.hostNetwork ? [...TOLERATED, TOLERATED_ON_HOST_NETWORK] : TOLERATED;
  return { ...spec, tolerations: [...(spec.tolerations ?? []), ...added] };
}

/** Node affinity that leaves one node, in the way that Kubernetes ties a daemon pod to its node before it is scheduled. */
function pinned(affinity: NodeAffinity | undefined, node: string): NodeAffinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  return { ...affinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } };
}

function targetNode({ spec }: Pod): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0];
}
