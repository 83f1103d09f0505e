import type { Condition } from './kinds.ts';

/** The condition of a type, or undefined. */
export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * The conditions with this one put in its place. As in Kubernetes, `lastTransitionTime` moves only when the status changes;
 * so that saying the same again is no change.
 */
export function withCondition(conditions: readonly Condition[] | undefined, wanted: Condition, now: Date): Condition[] {
  const current = conditionOf(conditions, wanted.type);
  const transition = current?.status === wanted.status ? current.lastTransitionTime : timestamp(now);
  const next = { ...wanted, lastTransitionTime: transition ?? timestamp(now) };
  return current
    ? (conditions ?? []).map((condition) => (condition === current ? next : condition))
    : [...(conditions ?? []), next];
}

/** A time as the Kubernetes API writes it: whole seconds, UTC. */
export function timestamp(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
