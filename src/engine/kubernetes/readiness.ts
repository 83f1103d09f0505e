import { Failure, labFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { KubeObject, Pod } from '../../kube/objects.ts';
import { ROLE, type Role } from './workloads.ts';

/** How long pods may take to be ready, in ms: the largest part is pulling an image of some 200 MB. */
const READY_MS = 180_000;
const ROLES: readonly Role[] = ['probe', 'proof'];

/** How a node's two pods are. */
export interface NodeState {
  node: string;
  state: 'ready' | 'waiting' | 'failed';
  /** The reason why it waits, or failed; empty if it is ready. */
  why: string;
  /** It fails for good: the kubelet itself has begun to wait longer each time. */
  hopeless: boolean;
}

interface Event extends KubeObject {
  reason?: string;
  message?: string;
}

/**
 * Waits until the pods of every chosen node are ready or cannot become so, three minutes at most. Returns the nodes without
 * ready pods, with the reason. Throws Failure 5 that names a pod and its reason if no node has them.
 */
export async function untilProbesReady(
  cluster: Cluster,
  namespace: string,
  nodes: readonly string[],
  update: (waitingFor: string) => void,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  let states: readonly NodeState[] = [];
  const look = async () => {
    const [pods, events] = await Promise.all([
      cluster.list<Pod>('v1', 'Pod', namespace),
      cluster.list<Event>('v1', 'Event', namespace),
    ]);
    const refused = events.items.find(({ reason }) => reason === 'FailedCreate')?.message;
    states = nodes.map((node) => nodeState(node, pods.items, refused));
    return states;
  };
  try {
    await cluster.until(`/api/v1/namespaces/${namespace}/pods`, look, isSettled, {
      timeoutMs: READY_MS,
      describe: waitingWords,
      update,
      signal,
    });
  } catch (error) {
    // Late is late for these nodes alone, where others are ready.
    if (signal.aborted || !(error instanceof Failure) || !states.some(isReady)) throw error;
  }
  if (!states.some(isReady)) throw noneReady(states);
  return new Map(states.filter((one) => !isReady(one)).map(({ node, why }) => [node, why]));
}

function isReady({ state }: NodeState): boolean {
  return state === 'ready';
}

function isSettled(states: readonly NodeState[]): boolean {
  if (states.every(({ state }) => state !== 'waiting')) return true;
  // If no node can pull an image, there is no use in waiting for the last one to say so too.
  return states.some(({ hopeless }) => hopeless) && !states.some(isReady);
}

function waitingWords(states: readonly NodeState[]): string {
  const waiting = states.filter(({ state }) => state === 'waiting');
  const [first] = waiting;
  if (!first) return 'nothing more';
  const more = waiting.length > 1 ? ` and ${waiting.length - 1} more nodes` : '';
  return `pods to be ready on ${first.node}${more}: ${first.why}`;
}

function noneReady(states: readonly NodeState[]): Failure {
  const first = states.find(({ state }) => state === 'failed') ?? states[0];
  return labFailure(`no node could be probed: on ${first?.node}, ${first?.why}`, {
    detail: states.map(({ node, why }) => `${node}: ${why}`).join('\n'),
    remedy: '--probe-image and --proof-image name images that the nodes can pull',
  });
}

/** Returns the state of a node's two pods taken together. `refused` is why a DaemonSet could make no pod at all. */
export function nodeState(node: string, pods: readonly Pod[], refused: string | undefined): NodeState {
  const found = ROLES.map((role) => {
    const pod = pods.find((one) => one.metadata?.labels?.[ROLE] === role && nodeOf(one) === node);
    return pod ? podState(pod) : { state: refused ? 'failed' : 'waiting', why: refused ?? `no ${role} pod yet` };
  });
  const worst = found.find(({ state }) => state === 'failed') ?? found.find(({ state }) => state === 'waiting');
  if (!worst) return { node, state: 'ready', why: '', hopeless: false };
  return { node, state: worst.state as NodeState['state'], why: worst.why, hopeless: HOPELESS.test(worst.why) };
}

/** The node that a pod is on, or is meant for: a DaemonSet's pods are tied to theirs before they are scheduled. */
export function nodeOf({ spec }: Pod): string | undefined {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return spec?.nodeName ?? terms[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0];
}

/** Waiting reasons that do not pass by themselves. */
const STUCK =
  /^(ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName|Create\w*Error|RunContainerError|CrashLoopBackOff|FailedCreatePodSandBox)$/;
const HOPELESS = /: (ImagePullBackOff|ErrImageNeverPull|InvalidImageName|CrashLoopBackOff)\b/;

/** How one pod is, in words that begin with its name. */
export function podState({ metadata, status }: Pod): { state: NodeState['state']; why: string } {
  const name = `pod ${metadata?.namespace}/${metadata?.name}`;
  const condition = (wanted: string) => status?.conditions?.find(({ type }) => type === wanted);
  if (metadata?.deletionTimestamp) return { state: 'waiting', why: `${name} is ending` };
  if (condition('Ready')?.status === 'True') return { state: 'ready', why: '' };
  for (const { state, lastState } of status?.containerStatuses ?? []) {
    const { reason = '', message = '' } = state?.waiting ?? {};
    const lastWords = lastState?.terminated?.message?.trim().split('\n').at(-1);
    const words = [reason, lastWords ?? message].filter(Boolean).join(': ');
    if (STUCK.test(reason)) return { state: 'failed', why: `${name} cannot start: ${words}` };
    if (words) return { state: 'waiting', why: `${name}: ${words}` };
  }
  const scheduled = condition('PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return { state: 'failed', why: `${name} cannot be scheduled: ${scheduled.message}` };
  }
  return { state: 'waiting', why: `${name} is ${status?.phase ?? 'Pending'}` };
}
