import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, labFailure, lackingFailure, usageFailure } from '../../errors.ts';
import { Cluster } from '../../kube/cluster.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { Reporter } from '../../process/reporter.ts';
import { writeWhole } from '../../state/whole-file.ts';
import { type Engine, type StartRequest, startOf } from '../engine.ts';
import { type EngineData, readEngineData, writeEngineData } from './engine-data.ts';
import { chooseContext, kubeconfigFiles } from './kubeconfig.ts';
import { probeShell } from './probe-shell.ts';
import { untilProbesReady } from './readiness.ts';
import { requirementsOf } from './selector.ts';
import { announcement, leftOutLines, survey } from './survey.ts';
import { toolsMissing } from './tools.ts';
import { DEFAULT_IMAGES, daemonSetsOf, namespaceOf, OWNER } from './workloads.ts';

/** How long an API server may take for its first answer, in ms. */
const ANSWER_MS = 10_000;
/** How long a namespace may take to be gone, in ms: pods end within a second or two, a busy cluster's controllers take longer. */
const GONE_MS = 120_000;

interface Namespace extends KubeObject {
  status?: { phase?: string; conditions?: { type: string; status: string; message?: string }[] };
}

/**
 * A cluster that is there already. What the engine makes is one namespace with probe pods, through which commands run on nodes,
 * and pods for the proof; what it removes is that namespace, and nothing that it did not make.
 */
export const kubernetesEngine: Engine = {
  name: 'kubernetes',
  ownsCluster: false,

  // Its API answers before anything is made in it.
  start: (request, reporter) => startOf((serving) => prepare(request, reporter).then(serving)),

  async isRunning(folder: string): Promise<boolean> {
    const data = readEngineData(folder);
    const kubeconfig = join(folder, 'kubeconfig');
    if (!data || !existsSync(kubeconfig)) return false;
    const cluster = Cluster.connect(kubeconfig);
    const namespace = await answering(cluster, cluster.get<Namespace>(referenceTo(data.namespace)));
    return isOwn(namespace, data) && namespace?.status?.phase !== 'Terminating';
  },

  async destroy(folder: string): Promise<void> {
    const data = readEngineData(folder);
    if (!data) return; // nothing was made yet
    const kubeconfig = join(folder, 'kubeconfig');
    if (!existsSync(kubeconfig)) throw unreachable(data, folder);
    const cluster = Cluster.connect(kubeconfig);
    const reference = referenceTo(data.namespace);
    const present = await answering(cluster, cluster.get<Namespace>(reference)).catch((error) => {
      throw unreachable(data, folder, error);
    });
    if (!isOwn(present, data)) return;
    await cluster.remove(reference);
    await untilGone(cluster, data);
  },

  access(folder, kubeconfig) {
    const data = readEngineData(folder);
    if (!data)
      throw labFailure(`${folder} does not say where the lab's pods are`, {
        remedy: 'Destroy the lab and deploy it again.',
      });
    let cluster: Cluster | undefined;
    const connect = async () => {
      cluster ??= Cluster.connect(kubeconfig);
      return cluster;
    };
    const shell = probeShell(connect, data.namespace, { ...data.unprobed, ...data.outside });
    return { kubeconfig, shell, podNamespace: data.namespace, outside: new Map(Object.entries(data.outside)) };
  },

  doctor: async (request) => {
    const { examineKubernetes, glanceAtKubernetes } = await import('./doctor/kubernetes.ts');
    const closely =
      request.engine === 'kubernetes' || request.kubeconfig !== undefined || request.context !== undefined;
    return closely ? examineKubernetes(request) : glanceAtKubernetes();
  },
};

/** Makes what the proof needs in the cluster: a namespace of its own, and pods on the chosen nodes. */
async function prepare(
  { name, folder, kubeconfig, signal, existing = {} }: StartRequest,
  { step: progress, update, info, timed }: Reporter,
): Promise<void> {
  const requirements = requirementsOf(existing.nodes ?? '');
  const { context, text } = await chooseContext(kubeconfigFiles(existing.kubeconfig), existing.context);
  // Before anything is made in the cluster: from now on destroy finds it.
  await writeWhole(kubeconfig, text, 0o600);
  const cluster = Cluster.connect(kubeconfig);
  progress(`Looking at the cluster ${cluster.server} (at most ${ANSWER_MS / 1000} s)`);
  const found = await answering(cluster, survey(cluster, existing.nodes));
  const namespace = `wglab-${name}`;
  const images = {
    probe: existing.probeImage ?? DEFAULT_IMAGES.probe,
    proof: existing.proofImage ?? DEFAULT_IMAGES.proof,
  };
  for (const line of announcement(found, namespace, context, images)) info(line);
  const unprobed = new Map(found.leftOut);
  const data: EngineData = {
    version: 1,
    owner: randomUUID(),
    namespace,
    server: cluster.server,
    context,
    unprobed: {},
    outside: Object.fromEntries(found.outside),
  };
  await refuseForeign(cluster, namespace);
  await writeEngineData(folder, data);
  signal.throwIfAborted();
  progress(`Making the namespace ${namespace} and its pods on ${found.chosen.length} nodes`);
  if (!(await cluster.create(namespaceOf(namespace, name, data.owner)))) throw foreign(namespace);
  for (const daemonSet of daemonSetsOf(namespace, name, images, requirements)) await cluster.apply(daemonSet);
  const late = await timed('probe pods to be ready', 'cluster', () =>
    untilProbesReady(cluster, namespace, found.chosen, update, signal),
  );
  const ready = found.chosen.filter((node) => !late.has(node));
  progress('Looking for the tools of the proof on every node');
  const shell = probeShell(async () => cluster, namespace, {});
  const lacking = await toolsMissing(shell, ready, update);
  if (lacking.size === ready.length) throw toolless(lacking, images.probe);
  for (const [node, why] of [...late, ...lacking]) unprobed.set(node, why);
  await writeEngineData(folder, { ...data, unprobed: Object.fromEntries(unprobed) });
  for (const line of leftOutLines(new Map([...late, ...lacking]))) info(line);
}

function referenceTo(name: string) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

function isOwn(namespace: Namespace | undefined, { owner }: EngineData): boolean {
  return namespace?.metadata?.annotations?.[OWNER] === owner;
}

/** A namespace of that name is another lab's, or a person's own: it is neither used nor deleted. */
async function refuseForeign(cluster: Cluster, namespace: string): Promise<void> {
  if (await cluster.get(referenceTo(namespace))) throw foreign(namespace);
}

function foreign(namespace: string): Failure {
  return usageFailure(`the cluster has a namespace ${namespace} already, which this lab did not make`, {
    remedy: `Choose another name with --name; or, where it was left by a lab that nobody knows any more: kubectl delete namespace ${namespace}`,
  });
}

/** Waits until the namespace is gone; the error quotes its own reason: a finalizer that nobody serves, an API that does not answer. */
async function untilGone(cluster: Cluster, data: EngineData): Promise<void> {
  const list = async () => {
    const present = await cluster.get<Namespace>(referenceTo(data.namespace));
    return present && isOwn(present, data) ? [present] : [];
  };
  const why = ([namespace]: readonly Namespace[]) => {
    const conditions = (namespace?.status?.conditions ?? []).filter(({ status }) => status === 'True');
    return conditions.map(({ message }) => message).join('; ') || 'no reason is given';
  };
  await cluster.until<Namespace>('/api/v1/namespaces', list, (left) => left.length === 0, {
    timeoutMs: GONE_MS,
    describe: (left) => `the namespace ${data.namespace} to be gone: ${why(left)}`,
  });
}

function toolless(lacking: ReadonlyMap<string, string>, image: string): Failure {
  const [first] = lacking.values();
  return lackingFailure(`the image ${image} cannot be used for probes: ${first}`, {
    remedy: '--probe-image with one that has tcpdump, wg, ip and bash',
  });
}

function unreachable({ namespace, server, context }: EngineData, folder: string, cause?: unknown): Failure {
  const { message } = cause instanceof Error ? cause : { message: "the lab's kubeconfig is gone" };
  return labFailure(`cannot take the namespace ${namespace} away from ${server}: ${message}`, {
    remedy:
      `Try again when the cluster answers, or delete it by hand (kubectl --context ${context} delete namespace ${namespace}). ` +
      `Where there is no such cluster any more: rm -r ${folder}`,
    cause,
  });
}

/** The first answer of a server, within a bound: one that is gone may leave a connection hanging for minutes. */
async function answering<T>(cluster: Cluster, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(labFailure(`${cluster.server} did not answer within ${ANSWER_MS / 1000} s`)),
      ANSWER_MS,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
