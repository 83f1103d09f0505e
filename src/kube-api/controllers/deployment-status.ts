import { conditionOf, timestamp, withCondition } from './conditions.ts';
import type { Condition, Deployment, DeploymentSpec, DeploymentStatus } from './kinds.ts';
import { limits, type ScaledSet } from './rolling-update.ts';

/**
 * The status that `kubectl rollout status` and `kubectl wait --for=condition=available` read. Reasons and messages are
 * Kubernetes'. There is no ProgressDeadlineExceeded: the engine has no clock that could say so.
 */
export function deploymentStatus(
  deployment: Deployment,
  spec: DeploymentSpec,
  { current, old }: { current: ScaledSet | undefined; old: readonly ScaledSet[] },
  now: Date,
): DeploymentStatus {
  const wanted = spec.replicas ?? 1;
  const all = current ? [...old, current] : old;
  const replicas = sum(all, 'live');
  const available = sum(all, 'available');
  const updated = current?.live ?? 0;
  const complete = updated === wanted && replicas === wanted && available === wanted;
  const progress = progressing(current?.replicaSet.metadata.name, complete, deployment);
  const minimum = available >= wanted - limits(spec).maxUnavailable;
  let { conditions } = deployment.status ?? {};
  conditions = put(conditions, minimum ? AVAILABLE : NOT_AVAILABLE, now);
  if (progress) conditions = put(conditions, progress, now);
  return {
    replicas,
    updatedReplicas: updated,
    readyReplicas: available,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, Math.max(wanted, replicas) - available),
    observedGeneration: deployment.metadata.generation ?? 1,
    conditions,
  };
}

const AVAILABLE: Condition = {
  type: 'Available',
  status: 'True',
  reason: 'MinimumReplicasAvailable',
  message: 'Deployment has minimum availability.',
};
const NOT_AVAILABLE: Condition = {
  type: 'Available',
  status: 'False',
  reason: 'MinimumReplicasUnavailable',
  message: 'Deployment does not have minimum availability.',
};

/** How the rollout goes; undefined keeps what was said before: a finished rollout does not start again because a pod was lost. */
function progressing(name: string | undefined, complete: boolean, deployment: Deployment): Condition | undefined {
  if (name === undefined) return undefined;
  const finished = {
    type: 'Progressing',
    status: 'True',
    reason: 'NewReplicaSetAvailable',
    message: `ReplicaSet "${name}" has successfully progressed.`,
  } as const;
  if (complete) return finished;
  const before = conditionOf(deployment.status?.conditions, 'Progressing');
  if (before?.reason === finished.reason && before.message === finished.message) return undefined;
  return { ...finished, reason: 'ReplicaSetUpdated', message: `ReplicaSet "${name}" is progressing.` };
}

function put(conditions: readonly Condition[] | undefined, wanted: Condition, now: Date): Condition[] {
  const before = conditionOf(conditions, wanted.type);
  const unchanged =
    before?.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message;
  const lastUpdateTime = unchanged ? before.lastUpdateTime : timestamp(now);
  return withCondition(conditions, { ...wanted, lastUpdateTime }, now);
}

function sum(sets: readonly ScaledSet[], field: 'live' | 'available'): number {
  return sets.reduce((total, set) => total + set[field], 0);
}
