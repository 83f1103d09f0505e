import type { KubeObject } from '../../kube/object.ts';
import { conditionOf, withCondition } from './conditions.ts';
import { attempt, type ControllerContext, reconcileOnChange } from './controller.ts';
import {
  ANTI_AFFINITY_NOT_MET,
  EXISTING_ANTI_AFFINITY_NOT_MET,
  type InterPodRules,
  interPodRules,
  type PlacedPod,
} from './inter-pod.ts';
import type { Node, Pod } from './kinds.ts';
import { matchesNodeAffinity, nodePreference, tolerates, UNSCHEDULABLE, untolerated } from './node-fit.ts';
import { modify } from './object-cache.ts';
import { controllerOf, isTerminal, isTerminating } from './pods.ts';

/** The node for a pod, or the reason that there is none, in Kubernetes' words. */
export type SchedulingDecision = { pod: Pod; node: string } | { pod: Pod; message: string };

export interface SchedulingState {
  nodes: readonly Node[];
  pods: readonly Pod[];
  namespaces: readonly KubeObject[];
}

const TOO_MANY_PODS = 'Too many pods';

/** Objections that only other pods cause; Kubernetes looks there for pods to preempt. */
const DUE_TO_OTHER_PODS = [ANTI_AFFINITY_NOT_MET, EXISTING_ANTI_AFFINITY_NOT_MET, TOO_MANY_PODS];

/** Binds pods to nodes, and says on a pod why it is not bound; tries again at each change of nodes, pods or namespaces. */
export function runScheduler(context: ControllerContext): () => void {
  return reconcileOnChange(context, 'scheduler', ['Pod', 'Node', 'Namespace'], () => {
    const { cache } = context;
    const state = { nodes: cache.list('Node'), pods: cache.list('Pod'), namespaces: cache.list('Namespace') };
    for (const decision of planScheduling(state)) {
      attempt(context, `scheduling pod ${decision.pod.metadata.name}`, () => apply(context, decision));
    }
  });
}

/** Decides for every pod that waits for a node, in order of age; each decision counts for those after it. */
export function planScheduling({ nodes, pods, namespaces }: SchedulingState): SchedulingDecision[] {
  const waiting = pods
    .filter(isWaiting)
    .sort((a, b) => compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp));
  if (waiting.length === 0) return [];
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  const placed: PlacedPod[] = pods.flatMap((pod) => {
    const node = byName.get(pod.spec?.nodeName ?? '');
    return node && !isTerminal(pod) ? [{ pod, node }] : [];
  });
  return waiting.map((pod) => {
    const rules = interPodRules(pod, placed, namespaces);
    const counts = countPods(pod, placed);
    const objections = nodes.map((node) => objection(pod, node, rules, counts.all.get(node.metadata.name) ?? 0));
    const candidates = nodes.filter((_, index) => objections[index] === undefined);
    const [best] = candidates
      .map((node) => rank(pod, node, rules, counts))
      .sort((a, b) => b.points - a.points || a.siblings - b.siblings || a.pods - b.pods || compare(a.name, b.name));
    if (!best) return { pod, message: unschedulableMessage(objections.map((text) => text ?? '')) };
    placed.push({ pod, node: best.node });
    return { pod, node: best.name };
  });
}

/** Why a pod must not go to a node: the first objection in the order of Kubernetes' filters, or undefined. */
function objection(pod: Pod, node: Node, rules: InterPodRules, podsThere: number): string | undefined {
  const spec = pod.spec ?? { containers: [] };
  const cordoned = { key: UNSCHEDULABLE, effect: 'NoSchedule' };
  if (node.spec?.unschedulable && !tolerates(spec.tolerations, cordoned)) return 'node(s) were unschedulable';
  const taint = untolerated(spec, node, ['NoSchedule', 'NoExecute']);
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!matchesNodeAffinity(spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  const room = node.status?.allocatable?.pods;
  if (room !== undefined && podsThere >= Number(room)) return TOO_MANY_PODS;
  return rules.objection(node);
}

/**
 * Best first: most points, then the node with the fewest pods of the same controller (Kubernetes' default topology spread
 * has that effect), then the one with the fewest pods, then by name.
 */
function rank(pod: Pod, node: Node, rules: InterPodRules, counts: PodCounts) {
  const { name } = node.metadata;
  return {
    node,
    name,
    points: nodePreference(pod.spec ?? { containers: [] }, node) + rules.preference(node),
    siblings: counts.siblings.get(name) ?? 0,
    pods: counts.all.get(name) ?? 0,
  };
}

interface PodCounts {
  all: Map<string, number>;
  siblings: Map<string, number>;
}

function countPods(pod: Pod, placed: readonly PlacedPod[]): PodCounts {
  const owner = controllerOf(pod)?.uid;
  const counts: PodCounts = { all: new Map(), siblings: new Map() };
  for (const other of placed) {
    const { name } = other.node.metadata;
    counts.all.set(name, (counts.all.get(name) ?? 0) + 1);
    if (owner === undefined || controllerOf(other.pod)?.uid !== owner) continue;
    counts.siblings.set(name, (counts.siblings.get(name) ?? 0) + 1);
  }
  return counts;
}

/**
 * Kubernetes' sentence: how many nodes object for which reason, and that preemption does not help either. There is none in
 * this engine, which has no priorities, so that there never is a victim.
 */
function unschedulableMessage(objections: readonly string[]): string {
  if (objections.length === 0) return 'no nodes available to schedule pods';
  const preemption = objections.map((text) =>
    DUE_TO_OTHER_PODS.includes(text)
      ? 'No preemption victims found for incoming pod'
      : 'Preemption is not helpful for scheduling',
  );
  const none = `0/${objections.length} nodes are available: `;
  return `${none}${histogram(objections)}. preemption: ${none}${histogram(preemption)}.`;
}

function histogram(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const parts = [...counts].map(([text, count]) => `${count} ${text}`);
  return parts.sort(compare).join(', ');
}

function isWaiting(pod: Pod): boolean {
  const { nodeName, schedulerName = 'default-scheduler', schedulingGates = [] } = pod.spec ?? { containers: [] };
  const ours = schedulerName === 'default-scheduler' && schedulingGates.length === 0;
  return !nodeName && ours && !isTerminating(pod) && !isTerminal(pod);
}

function apply({ store, record, now }: ControllerContext, decision: SchedulingDecision): void {
  const { pod } = decision;
  if ('node' in decision) {
    modify(store, 'Pod', pod, (object) => {
      object.spec = { ...(object.spec ?? { containers: [] }), nodeName: decision.node };
      const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null } as const;
      object.status = {
        phase: 'Pending',
        ...object.status,
        conditions: withCondition(object.status?.conditions, scheduled, now()),
      };
    });
    const assigned = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${decision.node}`;
    record('default-scheduler', pod, 'Normal', 'Scheduled', assigned);
    return;
  }
  const { message } = decision;
  if (conditionOf(pod.status?.conditions, 'PodScheduled')?.message === message) return;
  modify(store, 'Pod', pod, (object) => {
    const waiting = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastProbeTime: null,
    } as const;
    const conditions = withCondition(object.status?.conditions, waiting, now());
    object.status = { phase: 'Pending', ...object.status, conditions };
  });
  record('default-scheduler', pod, 'Warning', 'FailedScheduling', message);
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
