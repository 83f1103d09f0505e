import { existsSync } from 'node:fs';
import type { Engine } from '../engine/engine.ts';
import type { EngineName } from '../lab/engine-name.ts';
import { type Lab, readLab } from '../lab/lab.ts';
import { lockLab } from '../lab/lab-lock.ts';
import { checkLabName } from '../lab/lab-name.ts';
import { type LabState, labPaths, makeLabFolder, readLabState, removeLabState, saveLabState } from '../lab/state.ts';
import { chooseEngine } from './choose-engine.ts';
import { engineOf } from './labs.ts';

export interface DeployRequest {
  /** A lab's name or the path of its file. */
  lab: string;
  /** Of the deployment; the lab's own where not given. */
  name?: string;
  engine: EngineName | 'auto';
  topology?: string;
  /** Another number of workers than the topology's. */
  workers?: number;
  /** Keep what stands when the deployment fails. */
  keep: boolean;
}

export interface Deployed {
  state: LabState;
  kubeconfig: string;
  /** False where the lab stood already and nothing was changed. */
  changed: boolean;
}

export interface DeployListener {
  step(text: string): void;
  update(text: string): void;
  info(text: string): void;
}

/** Brings a lab up, or leaves it as it is where it stands. Throws a Failure; what was begun is taken away, but for `keep`. */
export async function deploy(request: DeployRequest, listener: DeployListener, signal: AbortSignal): Promise<Deployed> {
  const lab = await readLab(request.lab, request);
  const name = checkLabName(request.name ?? lab.definition.name);
  const lock = await lockLab(name);
  try {
    const present = await presentLab(name);
    if (present) return { state: present, kubeconfig: labPaths(name).kubeconfig, changed: false };
    const choice = await chooseEngine(request.engine, lab.definition.engines);
    listener.info(`engine: ${choice.engine} (${choice.why})`);
    const engine = await engineOf(choice.engine);
    if (engine.name === 'embedded') await (await import('./preflight.ts')).preflightEmbedded();
    await clear(engine, name);
    try {
      return await bringUp(engine, lab, name, listener, signal);
    } catch (error) {
      if (!request.keep) await clear(engine, name);
      throw signal.aborted ? signal.reason : error;
    }
  } finally {
    lock.release();
  }
}

/** The lab's state where it stands whole. */
async function presentLab(name: string): Promise<LabState | undefined> {
  const state = await readLabState(name).catch(() => undefined); // a broken state is no standing lab: it is made anew
  if (!state || state.nodes.length === 0) return undefined;
  const { folder, kubeconfig } = labPaths(name);
  if (!existsSync(kubeconfig)) return undefined; // nobody can reach it any more
  return (await engineOf(state.engine)).stands(folder) ? state : undefined;
}

/** What an earlier run left half-way, or this one. */
async function clear(engine: Engine, name: string): Promise<void> {
  await engine.destroy(labPaths(name).folder);
  await removeLabState(name);
}

async function bringUp(
  engine: Engine,
  lab: Lab,
  name: string,
  listener: DeployListener,
  signal: AbortSignal,
): Promise<Deployed> {
  const paths = await makeLabFolder(name);
  const { definition, topology, cluster: config } = lab;
  const begun: LabState = {
    version: 1,
    name,
    engine: engine.name,
    lab: definition.file,
    topology: topology.file,
    createdAt: new Date().toISOString(),
    nodes: [],
  };
  await saveLabState(begun);
  const { folder, kubeconfig, log } = paths;
  // Loaded while the engine starts, which takes as long.
  const later = Promise.all([import('../kube/cluster.ts'), import('./workloads.ts')]);
  await engine
    .deploy({ name, lab, folder, kubeconfig, logFile: log, progress: (step) => listener.step(step), signal })
    .catch(async (error) => {
      throw (await whyNoNamespaces(engine, signal)) ?? error;
    });
  const [{ Cluster }, { applyManifests, untilNodesReady, untilWorkloadsReady }] = await later;
  signal.throwIfAborted();
  const cluster = Cluster.connect(kubeconfig);
  listener.step('Installing Calico');
  await applyManifests(cluster, lab.cniManifests, signal);
  await untilNodesReady(cluster, signal);
  listener.step('Deploying the workloads');
  await applyManifests(cluster, lab.workloads, signal);
  await untilWorkloadsReady(cluster, signal);
  const dataplane = (await cluster.nodes())[0]?.metadata?.labels?.['wglab.dev/wireguard'];
  const state: LabState = {
    ...begun,
    nodes: config.nodes.map((node) => node.name),
    ...(dataplane === 'kernel' || dataplane === 'userspace' ? { dataplane } : {}),
  };
  await saveLabState(state);
  return { state, kubeconfig, changed: true };
}

/** Where the machine forbids namespaces, `unshare` alone says little. */
async function whyNoNamespaces(engine: Engine, signal: AbortSignal): Promise<Error | undefined> {
  if (engine.name !== 'embedded' || signal.aborted) return undefined;
  return (await import('./preflight.ts')).explainUnshareFailure();
}
