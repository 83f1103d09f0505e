import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { packageRoot } from '../lab/package-root.ts';
import { type LabState, labPaths, listLabStates, readLabState } from '../state/lab-state.ts';

/** The names of the labs that come with wglab. Only the folder is read, so that a shell need not wait for more. */
export async function labNames(): Promise<string[]> {
  const entries = await readdir(join(packageRoot(), 'labs'));
  return entries
    .filter((entry) => entry.endsWith('.md') && entry !== 'README.md')
    .map((entry) => basename(entry, '.md'));
}

/** The names of the labs that were deployed. */
export async function deploymentNames(): Promise<string[]> {
  return (await listLabStates()).map(({ name }) => name);
}

/** Returns the nodes of the named lab, or of all labs if none is named. */
export async function nodeNames(lab: string | undefined): Promise<string[]> {
  return (await states(lab)).flatMap(nodesOf);
}

/** All nodes of a lab, those that are none of Kubernetes' too. */
export function nodesOf({ nodes, linux = [] }: LabState): string[] {
  return [...nodes, ...linux.map(({ name }) => name)];
}

/** How long a shell may wait for the names of pods. */
const POD_NAMES_MS = 1_000;

/** Returns the names that `exec` accepts: nodes, and pods as namespace/name. Without the pods if the lab does not answer. */
export async function targetNames(lab: string | undefined): Promise<string[]> {
  const { Cluster } = await import('../kube/cluster.ts');
  const pods = (await states(lab)).map(async ({ name }) => {
    const found = await Cluster.connect(labPaths(name).kubeconfig).pods();
    return found.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
  });
  const late = AbortSignal.timeout(POD_NAMES_MS);
  const tooLate = new Promise<never>((_, reject) =>
    late.addEventListener('abort', () => reject(late.reason), { once: true }),
  );
  const answers = await Promise.allSettled(pods.map((names) => Promise.race([names, tooLate])));
  return [
    ...(await nodeNames(lab)),
    ...answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])),
  ];
}

async function states(lab: string | undefined): Promise<LabState[]> {
  const found = lab === undefined ? (await listLabStates()).map(({ state }) => state) : [await readLabState(lab)];
  return found.filter((state) => state !== undefined);
}
