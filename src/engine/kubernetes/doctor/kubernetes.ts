import { existsSync } from 'node:fs';
import { detectCni } from '../../../cni/detect.ts';
import { Failure, messageOf } from '../../../errors.ts';
import { Cluster } from '../../../kube/cluster.ts';
import type { Check, EngineReport } from '../../../machine/check.ts';
import { machineChecks } from '../../../machine/machine.ts';
import { chooseContext, kubeconfigFiles } from '../kubeconfig.ts';
import { nodesCheck } from './kubernetes-nodes.ts';
import { privilegedPodsCheck } from './kubernetes-pods.ts';
import { rightsChecks } from './kubernetes-rights.ts';

/** Which cluster, as for `deploy`. */
export interface ClusterChoice {
  kubeconfig?: string;
  context?: string;
}

/** How long a look by the way may take, in ms, and how long a whole one waits for the first answer and for each other. */
const GLANCE_MS = 3_000;
const ANSWER_MS = 10_000;

/** In one line whether a cluster of the person's own kubeconfig answers. Without a kubeconfig nothing is asked of the network. */
export async function glanceAtKubernetes(): Promise<EngineReport> {
  const report = { engine: 'kubernetes', dataplane: null, checks: [] } as const;
  const files = kubeconfigFiles(undefined);
  if (!files.some((file) => existsSync(file))) {
    const summary = `no kubeconfig (${files.join(', ')}); wglab doctor --engine kubernetes --kubeconfig FILE looks at a cluster`;
    return { ...report, ok: false, checks: [], summary };
  }
  try {
    const { context, text } = await chooseContext(files, undefined);
    const cluster = Cluster.fromText(text, GLANCE_MS);
    const { gitVersion } = await within(GLANCE_MS, cluster, cluster.version());
    const summary = `${cluster.server} (context ${context}) answers, ${gitVersion}; wglab doctor --engine kubernetes looks closer`;
    return { ...report, ok: true, checks: [], summary };
  } catch (error) {
    return { ...report, ok: false, checks: [], summary: messageOf(error).split('\n')[0] ?? '' };
  }
}

/** Examines what the engine needs of a cluster that is there already, and of this machine. Changes nothing in the cluster. */
export async function examineKubernetes(choice: ClusterChoice): Promise<EngineReport> {
  const [machine, cluster] = await Promise.all([machineChecks(), clusterChecks(choice)]);
  const checks = [...machine, ...cluster];
  return { engine: 'kubernetes', ok: checks.every(({ ok }) => ok !== false), dataplane: null, checks };
}

async function clusterChecks({ kubeconfig, context: wanted }: ClusterChoice): Promise<Check[]> {
  const files = kubeconfigFiles(kubeconfig);
  const file = { name: 'kubeconfig', needed: 'a kubeconfig with a context for the cluster' };
  const server = {
    name: 'Kubernetes API',
    needed: `a server that answers within ${ANSWER_MS / 1000} s, and knows you`,
  };
  let cluster: Cluster;
  let readable: Check;
  try {
    const { context, text } = await chooseContext(files, wanted);
    cluster = Cluster.fromText(text, ANSWER_MS);
    readable = { ...file, ok: true, seen: `${files.join(', ')}, context ${context}` };
  } catch (error) {
    const remedy = error instanceof Failure ? error.remedy : undefined;
    return [{ ...file, ok: false, seen: messageOf(error), remedy: remedy ?? '--kubeconfig FILE names another one' }];
  }
  try {
    const { gitVersion, platform } = await within(ANSWER_MS, cluster, cluster.version());
    const answers: Check = { ...server, ok: true, seen: `${cluster.server}, ${[gitVersion, platform].join(' ')}` };
    return [readable, answers, ...(await inside(cluster))];
  } catch (error) {
    return [readable, { ...server, ok: false, seen: messageOf(error), remedy: reachRemedy(messageOf(error)) }];
  }
}

function reachRemedy(said: string): string {
  if (/Unauthorized|401|credentials|exec:/i.test(said))
    return 'log in to the cluster again, until kubectl get nodes works';
  if (/certificate/i.test(said)) return "fetch the kubeconfig again: the cluster's certificate is another one";
  return 'make kubectl get nodes work first: another --context, a VPN, a proxy';
}

/** Everything that the cluster itself has to say; what it refuses to say is reported as such. */
async function inside(cluster: Cluster): Promise<Check[]> {
  const parts: Promise<Check[]>[] = [
    told('rights', rightsChecks(cluster)),
    told('privileged pods', privilegedPodsCheck(cluster)),
    told('CNI', cniCheck(cluster)),
    told('nodes', nodesCheck(cluster)),
  ];
  return (await Promise.all(parts)).flat();
}

async function told(name: string, work: Promise<Check | Check[]>): Promise<Check[]> {
  try {
    return [await work].flat();
  } catch (error) {
    const remedy = 'have an administrator of the cluster allow it, or use another --context';
    return [{ name, ok: false, seen: messageOf(error), needed: 'to be told by the cluster', remedy }];
  }
}

async function cniCheck(cluster: Cluster): Promise<Check> {
  const { name, version, isCalico, limits } = await detectCni(cluster);
  const check = { name: 'CNI', needed: 'Calico, for wglab encrypt and diagnose; verify works with any', seen: '' };
  const seen = version === undefined ? name : `${name} ${version}`;
  if (isCalico && limits.length === 0) return { ...check, ok: true, seen };
  const remedy = 'wglab verify --expect encrypted judges what is on the wire, whoever encrypts it';
  return { ...check, ok: 'warning', seen: `${seen}; cannot be judged: ${limits.join('; ')}`, remedy };
}

async function within<T>(limitMs: number, cluster: Cluster, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `${cluster.server} did not answer within ${limitMs / 1000} s`;
    timer = setTimeout(() => reject(new Error(why)), limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
