import { Failure, labFailure, usageFailure } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { AppliedObject } from '../kube/object.ts';
import type { DaemonSet, Deployment, KubeObject, Node, Pod } from '../kube/objects.ts';
import { oneLine, TroubleWatch, troubleFailure } from '../kube/pod-trouble.ts';
import { type Manifest, placeOfField } from '../lab/manifests.ts';

/** Images may have to be pulled first. */
const READY_MS = 300_000;
/** How often pods are checked even if nothing happens to them: only time distinguishes a passing state from a lasting one. */
const EVERY_MS = 2_000;

/** Applies manifests in their order. What the server refuses is reported with the file's line and column. */
export async function applyManifests(
  cluster: Cluster,
  manifests: readonly Manifest[],
  signal: AbortSignal,
): Promise<void> {
  for (const manifest of manifests) {
    signal.throwIfAborted();
    try {
      await cluster.apply(manifest.object as unknown as AppliedObject);
    } catch (error) {
      throw withPlace(manifest, error);
    }
  }
}

function withPlace(manifest: Manifest, error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  const field = /unknown field "([^"]+)"/.exec(error.message)?.[1];
  if (field === undefined) return error;
  const { file, line, column } = placeOfField(manifest, field);
  return usageFailure(`${file}:${line}:${column}: unknown field "${field}"`, { detail: error.message, cause: error });
}

/** Waits until every node is Ready. */
export async function untilNodesReady(cluster: Cluster, update: Update, signal: AbortSignal): Promise<void> {
  const readiness = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready');
  const notReady = (nodes: readonly Node[]) => nodes.filter((node) => readiness(node)?.status !== 'True');
  await cluster.until(
    '/api/v1/nodes',
    async (impatient) => refuseLost(await impatient.nodes()),
    (nodes) => nodes.length > 0 && notReady(nodes).length === 0,
    {
      timeoutMs: READY_MS,
      describe: (nodes) =>
        `nodes to be Ready: ${some(notReady(nodes).map((node) => `${node.metadata?.name} (${readiness(node)?.message ?? 'it says nothing of itself'})`))}`,
      update,
      signal,
    },
  );
}

/** Waits until all DaemonSets and Deployments have their pods ready; throws as soon as a pod cannot start. */
export async function untilWorkloadsReady(cluster: Cluster, update: Update, signal: AbortSignal): Promise<void> {
  const watch = new TroubleWatch();
  const state = async (impatient: Cluster) => {
    const pods = await impatient.pods();
    const fatal = watch.fatalIn(pods, performance.now());
    if (fatal) throw await troubleFailure(impatient, fatal);
    refuseUnschedulable(pods);
    const starting = pods.filter(isStarting).map((pod) => named(pod, whyStarting(pod)));
    // Looked at with every change of a pod: the sets are asked only once all their pods are ready.
    if (starting.length > 0) return starting;
    const [daemonSets, deployments] = await Promise.all([
      impatient.list<DaemonSet>('apps/v1', 'DaemonSet'),
      impatient.list<Deployment>('apps/v1', 'Deployment'),
    ]);
    // A set of pods is waiting too until it has made them.
    return [
      ...daemonSets.items.filter(isRolling).map((set) => {
        const { numberReady = 0, desiredNumberScheduled = 0 } = set.status ?? {};
        return named(set, `${numberReady} of ${desiredNumberScheduled} pods are ready`);
      }),
      ...deployments.items.filter(isUnavailable).map((set) => {
        return named(set, `${set.status?.availableReplicas ?? 0} of ${set.spec?.replicas ?? 1} pods are available`);
      }),
    ];
  };
  await cluster.until('/api/v1/pods', state, (waiting) => waiting.length === 0, {
    everyMs: EVERY_MS,
    timeoutMs: READY_MS,
    describe: (waiting) => `pods to be ready: ${some(waiting)}`,
    update,
    signal,
  });
}

/** Throws if the engine says that a node cannot come back. */
function refuseLost(nodes: Node[]): Node[] {
  for (const { metadata } of nodes) {
    const why = metadata?.annotations?.['wglab.dev/lost'];
    if (why !== undefined) throw labFailure(`node ${metadata?.name} is lost: ${why}`);
  }
  return nodes;
}

/** Describes for a user what is being waited for. */
type Update = (text: string) => void;

const NAMED = 3;

function some(things: readonly string[]): string {
  const more = things.length > NAMED ? ` and ${things.length - NAMED} more` : '';
  return things.slice(0, NAMED).join(', ') + more;
}

function named({ metadata }: KubeObject, seen: string): string {
  return `${metadata?.namespace}/${metadata?.name} (${seen})`;
}

function whyStarting({ status }: Pod): string {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const [waiting] = containers.flatMap(({ state }) => state?.waiting ?? []);
  const { reason, message } = waiting ?? {};
  return [reason, message && oneLine(message)].filter(Boolean).join(': ') || (status?.phase ?? 'nothing said yet');
}

function isRolling({ metadata, status }: DaemonSet): boolean {
  if (status?.observedGeneration !== metadata?.generation) return true;
  return (status?.numberReady ?? 0) < (status?.desiredNumberScheduled ?? 0);
}

function isUnavailable({ metadata, spec, status }: Deployment): boolean {
  return (
    status?.observedGeneration !== metadata?.generation || (status?.availableReplicas ?? 0) < (spec?.replicas ?? 1)
  );
}

function isStarting({ metadata, status }: Pod): boolean {
  if (metadata?.deletionTimestamp || status?.phase === 'Succeeded') return false;
  return !status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True');
}

/** Throws as soon as a pod is lost, or cannot be scheduled, rather than at the end of the wait. */
function refuseUnschedulable(pods: readonly Pod[]): void {
  for (const { metadata, status } of pods) {
    const name = `${metadata?.namespace}/${metadata?.name}`;
    if (status?.reason === 'NodeLost') throw labFailure(`pod ${name} is lost: ${status.message}`);
    if (SYSTEM.includes(metadata?.namespace ?? '')) continue;
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    const waitsForNodes = /not-ready|uninitialized/.test(scheduled?.message ?? '');
    if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' && !waitsForNodes) {
      throw labFailure(`pod ${name} cannot be scheduled: ${scheduled.message}`);
    }
  }
}

/** Pods of the cluster itself may stumble while it comes up, and recover. */
const SYSTEM = ['kube-system', 'calico-system', 'calico-apiserver', 'tigera-operator', 'local-path-storage'];
