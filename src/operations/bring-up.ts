import { resolve } from 'node:path';
import { cniOf } from '../cni/cnis.ts';
import type { Engine, Start } from '../engine/engine.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabDefinition } from '../lab/lab-definition.ts';
import type { Topology } from '../lab/topology.ts';
import type { Reporter } from '../process/reporter.ts';
import { type LabState, makeLabFolder, saveLabState } from '../state/lab-state.ts';
import type { Deployed, DeployRequest } from './deploy-request.ts';

/** Everything that the steps of one deployment share. */
export interface BringUp {
  engine: Engine;
  definition: LabDefinition;
  /** Returns the lab as its files describe it, read at the first call. */
  lab: () => Promise<Lab>;
  name: string;
  request: DeployRequest;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Brings up a lab of which nothing exists, or continues what an engine can continue: starts the cluster, waits until it serves,
 * installs the CNI, applies the workloads, waits until all is ready. Throws a Failure; what was made stays.
 */
export async function bringUp(deployment: BringUp): Promise<Deployed> {
  const { engine, name, reporter, signal } = deployment;
  const { folder, kubeconfig, log } = await makeLabFolder(name);
  const begun = initialState(deployment);
  await saveLabState(begun);
  const request = { ...startRequest(deployment), folder, kubeconfig, logFile: log };
  const cluster = await overlapped(engine.start(request, reporter), deployment, async (stop) => {
    const connected = (await import('../kube/cluster.ts')).Cluster.connect(kubeconfig);
    if (engine.ownsCluster) {
      await installCni(deployment, connected, stop);
      await applyWorkloads(deployment, connected, stop);
    }
    return connected;
  });
  if (engine.ownsCluster) await untilReady(cluster, reporter, signal);
  const state = await finalState(deployment, cluster, begun);
  await saveLabState(state);
  signal.throwIfAborted(); // a user who interrupts finds no lab
  return { state, kubeconfig, ownsCluster: engine.ownsCluster, changed: true };
}

/**
 * Fills the cluster from when its API answers, while its nodes are still being made: this overlap is half of a deployment's
 * speed. If the engine fails, filling stops, and the engine's error is thrown: it says more.
 */
async function overlapped(
  { serving, ready }: Start,
  { engine, signal }: BringUp,
  fill: (stop: AbortSignal) => Promise<Cluster>,
): Promise<Cluster> {
  const failed = new AbortController();
  const started = ready.catch(async (error) => {
    failed.abort();
    throw (signal.aborted ? undefined : await engine.explain?.()) ?? error;
  });
  const stop = AbortSignal.any([signal, failed.signal]);
  preload();
  const filled = serving.then(() => {
    stop.throwIfAborted();
    return fill(stop);
  });
  const [start, cluster] = await Promise.allSettled([started, filled]);
  signal.throwIfAborted();
  if (start.status === 'rejected') throw start.reason;
  if (cluster.status === 'rejected') throw cluster.reason;
  return cluster.value;
}

/** Loads what filling the cluster needs while the engine starts, which takes as long. */
function preload(): void {
  for (const loading of [import('../kube/cluster.ts'), import('./workloads.ts'), cniOf('calico')]) {
    loading.catch(() => undefined); // whoever needs it next receives the error
  }
}

async function installCni(
  { definition, lab, request, reporter }: BringUp,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<void> {
  const [cni, { applyManifests }, read] = await Promise.all([
    cniOf(definition.cni.name),
    import('./workloads.ts'),
    lab(),
  ]);
  await cni.install(cluster, {
    lab: read,
    wishes: request,
    apply: (manifests) => applyManifests(cluster, manifests, signal),
    reporter,
    signal,
  });
}

async function applyWorkloads({ lab, reporter }: BringUp, cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { applyManifests } = await import('./workloads.ts');
  reporter.step('Deploying the workloads');
  await applyManifests(cluster, (await lab()).workloads, signal);
}

async function untilReady(cluster: Cluster, { timed, update }: Reporter, signal: AbortSignal): Promise<void> {
  const { untilNodesReady, untilWorkloadsReady } = await import('./workloads.ts');
  await timed('nodes to be Ready', 'cluster', () => untilNodesReady(cluster, update, signal));
  await timed("the workloads' pods to be ready", 'cluster', () => untilWorkloadsReady(cluster, update, signal));
}

function startRequest({ definition, name, lab, request, signal }: BringUp) {
  return {
    ...{ name, lab, signal },
    images: async () => (await cniOf(definition.cni.name)).podImages(await lab(), request),
    ...(request.existing ? { existing: request.existing } : {}),
  };
}

/** Returns the state of a lab that is being made: from now on `destroy` finds it. */
function initialState({ engine, definition, name, request }: BringUp): LabState {
  return {
    version: 1,
    name,
    engine: engine.name,
    lab: definition.file,
    ...(engine.ownsCluster
      ? { topology: request.topology === undefined ? definition.topology : resolve(request.topology) }
      : {}),
    createdAt: new Date().toISOString(),
    nodes: [],
  };
}

/** Returns the lab's state with its nodes. */
async function finalState({ engine, lab }: BringUp, cluster: Cluster, begun: LabState): Promise<LabState> {
  const linux = engine.ownsCluster ? linuxState((await lab()).topology) : {};
  const kubeNodes = await cluster.nodes();
  const dataplane = kubeNodes[0]?.metadata?.labels?.['wglab.dev/wireguard'];
  return {
    ...begun,
    ...linux,
    nodes: kubeNodes.map(({ metadata }) => metadata?.name ?? '').sort(byNumbersInThem),
    ...(dataplane === 'kernel' || dataplane === 'userspace' ? { dataplane } : {}),
  };
}

/** Returns what later commands must know of the plain Linux nodes next to the cluster. */
function linuxState({ linux, links }: Topology): Pick<LabState, 'linux'> {
  if (linux.length === 0) return {};
  const ends = links.flatMap((link) => link.ends);
  return {
    linux: linux.map(({ name }) => ({
      name,
      interfaces: ends.filter(({ node }) => node === name).map((end) => end.interface),
    })),
  };
}

/** Sorts `worker2` before `worker10`. */
const byNumbersInThem = new Intl.Collator('en', { numeric: true }).compare;
