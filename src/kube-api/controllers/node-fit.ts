import { hasLabels, meets, meetsAll } from '../../kube/selectors.ts';
import { conditionOf } from './conditions.ts';
import type { Node, NodeSelectorTerm, PodSpec, Taint, Toleration } from './kinds.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
export const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
export const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

export function isNodeReady(node: Node): boolean {
  return conditionOf(node.status?.conditions, 'Ready')?.status === 'True';
}

/**
 * The taints that Kubernetes' node lifecycle controller puts on a node for its conditions and for `kubectl cordon`.
 * All of them are NoSchedule: what runs there stays.
 */
export function taintsOfState(node: Node): Taint[] {
  const ready = conditionOf(node.status?.conditions, 'Ready')?.status;
  const taints: Taint[] = [];
  if (ready === 'Unknown') taints.push({ key: UNREACHABLE, effect: 'NoSchedule' });
  else if (ready !== 'True') taints.push({ key: NOT_READY, effect: 'NoSchedule' });
  if (node.spec?.unschedulable) taints.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  return taints;
}

/** All taints that count now: those written on the node, and those of its state that nobody has written down yet. */
function effectiveTaints(node: Node): Taint[] {
  const written = node.spec?.taints ?? [];
  return [...written, ...taintsOfState(node).filter((taint) => !written.some((w) => isSameTaint(w, taint)))];
}

export function isSameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (!effect || effect === taint.effect) &&
      (key ? key === taint.key : operator === 'Exists') &&
      (operator === 'Exists' || (operator === 'Equal' && value === (taint.value ?? ''))),
  );
}

/** The first taint of these effects that keeps the pod away, or undefined. */
export function untolerated(spec: PodSpec, node: Node, effects: readonly string[]): Taint | undefined {
  return effectiveTaints(node).find((taint) => effects.includes(taint.effect) && !tolerates(spec.tolerations, taint));
}

/** Whether the node has what nodeSelector and the required node affinity ask for. */
export function matchesNodeAffinity(spec: PodSpec, node: Node): boolean {
  if (!hasLabels(node.metadata.labels, spec.nodeSelector)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || (required.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node));
}

/** Whether one term matches; an empty term matches no node (Kubernetes' NodeSelectorTerm). */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    meetsAll(matchExpressions, node.metadata.labels) &&
    matchFields.every((field) => field.key === 'metadata.name' && meets(field, node.metadata.name))
  );
}

/** The node's points for what the pod prefers of nodes: node affinity weights, less one for each taint it would rather avoid. */
export function nodePreference(spec: PodSpec, node: Node): number {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const points = preferred.reduce(
    (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
    0,
  );
  const avoided = effectiveTaints(node).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !tolerates(spec.tolerations, taint),
  );
  return points - avoided.length;
}
