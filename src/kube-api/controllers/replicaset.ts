import { hasLabels } from '../../kube/selectors.ts';
import { attempt, type ControllerContext, reconcileOnChange } from './controller.ts';
import type { Pod, ReplicaSet, ReplicaSetSpec, ReplicaSetStatus } from './kinds.ts';
import { writeStatus } from './object-cache.ts';
import { applyClaims, planClaims } from './ownership.ts';
import { deletePod, freshPodName, isReady, isTerminating, oldestFirst, podFromTemplate } from './pods.ts';

export interface ReplicaSetPlan {
  /** How many pods to add. */
  create: number;
  remove: Pod[];
  status: ReplicaSetStatus;
}

/** Keeps as many pods of each ReplicaSet as it asks for. */
export function runReplicaSets(context: ControllerContext): () => void {
  return reconcileOnChange(context, 'replicaset-controller', ['ReplicaSet', 'Pod'], () => {
    for (const replicaSet of context.cache.list('ReplicaSet')) {
      if (isTerminating(replicaSet)) continue;
      attempt(context, `reconciling replicaset ${replicaSet.metadata.name}`, () => reconcile(context, replicaSet));
    }
  });
}

function reconcile(context: ControllerContext, replicaSet: ReplicaSet): void {
  const { store, cache, record, now } = context;
  const { spec } = replicaSet;
  if (!spec) return;
  const claims = planClaims(replicaSet, spec.selector, cache.list('Pod'));
  applyClaims(store, replicaSet, claims);
  const plan = planReplicaSet(replicaSet, spec, [...claims.owned, ...claims.adopt]);
  for (let made = 0; made < plan.create; made += 1) {
    const name = freshPodName(context, replicaSet);
    store.create(podFromTemplate(spec.template, replicaSet, { name, labels: {} }));
    record('replicaset-controller', replicaSet, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`);
  }
  for (const pod of plan.remove) {
    deletePod(store, pod, now());
    record('replicaset-controller', replicaSet, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
  writeStatus(store, 'ReplicaSet', replicaSet, plan.status);
}

/**
 * How many pods to add, or which to end. Pods on their way out are replaced at once. Pods that failed keep their place:
 * see planDaemonSet for why.
 */
export function planReplicaSet(replicaSet: ReplicaSet, spec: ReplicaSetSpec, pods: readonly Pod[]): ReplicaSetPlan {
  const live = pods.filter((pod) => !isTerminating(pod));
  const missing = (spec.replicas ?? 1) - live.length;
  const ready = live.filter(isReady).length;
  const { labels } = spec.template.metadata ?? {};
  return {
    create: Math.max(0, missing),
    remove: missing < 0 ? firstToGo(live).slice(0, -missing) : [],
    status: {
      replicas: live.length,
      fullyLabeledReplicas: live.filter((pod) => hasLabels(pod.metadata.labels, labels)).length,
      readyReplicas: ready,
      availableReplicas: ready,
      observedGeneration: replicaSet.metadata.generation ?? 1,
    },
  };
}

/**
 * Pods in the order in which Kubernetes gives them up: those without a node, those not ready, those that share their node
 * with most others, the youngest.
 */
function firstToGo(pods: readonly Pod[]): Pod[] {
  const seen = new Map<string, number>();
  const ranked = [...pods].sort(oldestFirst).map((pod, age) => {
    const node = pod.spec?.nodeName;
    const before = node === undefined ? 0 : (seen.get(node) ?? 0);
    if (node !== undefined) seen.set(node, before + 1);
    return { pod, age, ready: isReady(pod) ? 1 : 0, bound: node === undefined ? 0 : 1, before };
  });
  ranked.sort((a, b) => a.bound - b.bound || a.ready - b.ready || b.before - a.before || b.age - a.age);
  return ranked.map(({ pod }) => pod);
}
