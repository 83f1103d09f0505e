import type { DeploymentSpec, ReplicaSet } from './kinds.ts';
import { scaledValue } from './names.ts';

/** A ReplicaSet and what there is of it. */
export interface ScaledSet {
  replicaSet: ReplicaSet;
  /** How many it asks for. */
  replicas: number;
  /** Its pods, those on their way out too. */
  pods: number;
  live: number;
  available: number;
}

export interface ScalingPlan {
  /** With how many replicas to create the new ReplicaSet; undefined where there is one, or it has to wait. */
  create?: number;
  scale: { replicaSet: ReplicaSet; replicas: number }[];
}

/**
 * One step of a rollout: which ReplicaSets to scale to what. Never more pods than `maxSurge` allows, nor fewer available ones
 * than `maxUnavailable` allows; with the strategy Recreate, nothing new before all that is old is gone.
 * The steps are those of Kubernetes' deployment controller; scaling in the midst of a rollout is not proportional here.
 */
export function planScaling(
  spec: DeploymentSpec,
  current: ScaledSet | undefined,
  old: readonly ScaledSet[],
): ScalingPlan {
  const { replicas = 1, paused = false } = spec;
  const active = old.filter((set) => set.replicas > 0);
  if (paused) {
    const set = current ?? active.at(-1);
    return { scale: set ? change(set, replicas) : [] };
  }
  if (spec.strategy?.type === 'Recreate') {
    const ended = old.every(({ pods }) => pods === 0) && active.length === 0;
    if (!ended) return { scale: active.flatMap((set) => change(set, 0)) };
    return current ? { scale: change(current, replicas) } : { create: replicas, scale: [] };
  }
  const { maxSurge, maxUnavailable } = limits(spec);
  const total = active.reduce((sum, set) => sum + set.replicas, current?.replicas ?? 0);
  const grown = Math.min(replicas, (current?.replicas ?? 0) + Math.max(0, replicas + maxSurge - total));
  if (!current) return { create: grown, scale: shrinkOld(active, undefined, replicas - maxUnavailable) };
  if (current.replicas > replicas) return { scale: change(current, replicas) };
  if (grown > current.replicas) return { scale: change(current, grown) };
  return { scale: shrinkOld(active, current, replicas - maxUnavailable) };
}

/** The bounds of a rollout in pods. Defaults, rounding and the rule that both must not be 0 are Kubernetes'. */
export function limits({ replicas = 1, strategy }: DeploymentSpec): { maxSurge: number; maxUnavailable: number } {
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, 'up');
  const unavailable = scaledValue(maxUnavailable, replicas, 'down');
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, replicas) };
}

/**
 * Takes from the old sets first what is not available anyway, then available pods as long as enough stay. What the new set
 * still lacks is not counted on, so that there is no second bound for available pods as in Kubernetes, which has to work
 * with statuses of different age.
 */
function shrinkOld(
  old: readonly ScaledSet[],
  current: ScaledSet | undefined,
  minAvailable: number,
): ScalingPlan['scale'] {
  const all = current ? [...old, current] : old;
  const total = all.reduce((sum, { replicas }) => sum + replicas, 0);
  const notYetAvailable = current ? Math.max(0, current.replicas - current.available) : 0;
  let spare = total - minAvailable - notYetAvailable;
  const target = new Map(old.map((set) => [set, set.replicas]));
  const take = (set: ScaledSet, most: number) => {
    const count = Math.max(0, Math.min(most, spare));
    spare -= count;
    target.set(set, (target.get(set) ?? 0) - count);
  };
  for (const set of old) take(set, Math.max(0, set.replicas - set.available));
  for (const set of old) take(set, target.get(set) ?? 0);
  return old.flatMap((set) => change(set, target.get(set) ?? 0));
}

function change({ replicaSet, replicas: from }: ScaledSet, to: number): ScalingPlan['scale'] {
  return from === to ? [] : [{ replicaSet, replicas: to }];
}
