import { existsSync } from 'node:fs';
import type { Engine, ExistingCluster, Timed } from '../engine/engine.ts';
import type { EngineName } from '../lab/engine-name.ts';
import { type Lab, readLab } from '../lab/lab.ts';
import { lockLab } from '../lab/lab-lock.ts';
import { checkLabName } from '../lab/lab-name.ts';
import { type LabState, labPaths, makeLabFolder, readLabState, removeLabState, saveLabState } from '../lab/state.ts';
import { calicoSourceOf } from './calico-source.ts';
import { chooseEngine } from './choose-engine.ts';
import { engineOf, enginesOf } from './labs.ts';
import { Stopwatch } from './timings.ts';

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
  /** For an engine that makes no cluster of its own. */
  existing?: ExistingCluster;
  /** Another image for the nodes, where the engine's nodes have one. */
  nodeImage?: string;
  /** Another version of Calico than the lab's; a folder with its release's manifests. */
  calicoVersion?: string;
  calicoManifests?: string;
}

export interface Deployed {
  state: LabState;
  kubeconfig: string;
  /** False where the cluster was there before the lab. */
  ownsCluster: boolean;
  /** False where the lab stood already and nothing was changed. */
  changed: boolean;
}

export interface DeployListener {
  step(text: string): void;
  update(text: string): void;
  info(text: string): void;
}

/**
 * Brings a lab up, or leaves it as it is where it stands. Throws a Failure; what was begun is taken away, but for `keep`. What takes how
 * long can be read from `watch`, also then.
 */
export async function deploy(
  request: DeployRequest,
  told: DeployListener,
  signal: AbortSignal,
  watch = new Stopwatch(performance.now()),
): Promise<Deployed> {
  const listener: Work = {
    step(text) {
      watch.step(text);
      told.step(text);
    },
    update: (text) => told.update(text),
    info: (text) => told.info(text),
    timed: watch.timed,
  };
  const lab = await readLab(request.lab, request);
  const name = checkLabName(request.name ?? lab.definition.name);
  const lock = await lockLab(name);
  try {
    const present = await presentLab(name);
    if (present) return { ...present, changed: false };
    const { engines } = lab.definition;
    const choice = await chooseEngine(request.engine, engines, request.existing !== undefined, lab.topology.image);
    listener.info(`engine: ${choice.engine} (${choice.why})`);
    const engine = await engineOf(choice.engine);
    if (engine.name === 'embedded') await (await import('./preflight.ts')).preflightEmbedded();
    if (engine.resumes) await clearOthers(name, engine);
    else await clear(name, engine);
    try {
      return await bringUp(engine, lab, name, request, listener, signal);
    } catch (error) {
      if (!request.keep) await clear(name, engine);
      throw signal.aborted ? signal.reason : error;
    }
  } finally {
    lock.release();
  }
}

/** Who hears of the steps, and keeps their times. */
type Work = DeployListener & { timed: Timed };

/** The lab's state where it stands whole. */
async function presentLab(name: string): Promise<Omit<Deployed, 'changed'> | undefined> {
  const state = await readLabState(name).catch(() => undefined); // a broken state is no standing lab: it is made anew
  if (!state || state.nodes.length === 0) return undefined;
  const { folder, kubeconfig } = labPaths(name);
  if (!existsSync(kubeconfig)) return undefined; // nobody can reach it any more
  const engine = await engineOf(state.engine);
  return (await engine.stands(folder)) ? { state, kubeconfig, ownsCluster: engine.ownsCluster } : undefined;
}

/** What an earlier run left half-way, be it on another engine, or this one. */
async function clear(name: string, engine: Engine): Promise<void> {
  for (const each of new Set([...(await enginesOf(name)), engine])) await each.destroy(labPaths(name).folder);
  await removeLabState(name);
}

/** What another engine has left of that name, for one that goes on with what it left itself. */
async function clearOthers(name: string, engine: Engine): Promise<void> {
  for (const each of await enginesOf(name)) if (each !== engine) await each.destroy(labPaths(name).folder);
}

async function bringUp(
  engine: Engine,
  lab: Lab,
  name: string,
  request: DeployRequest,
  listener: Work,
  signal: AbortSignal,
): Promise<Deployed> {
  const { timed } = listener;
  const update = (text: string) => listener.update(text);
  const paths = await makeLabFolder(name);
  const { definition, topology } = lab;
  const begun: LabState = {
    version: 1,
    name,
    engine: engine.name,
    lab: definition.file,
    ...(engine.ownsCluster ? { topology: topology.file } : {}),
    createdAt: new Date().toISOString(),
    nodes: [],
  };
  await saveLabState(begun);
  const { folder, kubeconfig, log } = paths;
  // Loaded while the engine starts, which takes as long.
  const later = Promise.all([
    import('../kube/cluster.ts'),
    import('./workloads.ts'),
    import('../cni/calico-install.ts'),
  ]);
  await engine
    .deploy({
      name,
      lab,
      folder,
      kubeconfig,
      logFile: log,
      progress: (step) => listener.step(step),
      update,
      info: (text) => listener.info(text),
      images: async () => (await import('./lab-images.ts')).podImages(lab, calicoSourceOf(lab, request)),
      signal,
      timed,
      ...(request.existing ? { existing: request.existing } : {}),
    })
    .catch(async (error) => {
      throw (await whyNoNamespaces(engine, signal)) ?? error;
    });
  const [{ Cluster }, { applyManifests, untilNodesReady, untilWorkloadsReady }, { installCalico }] = await later;
  signal.throwIfAborted();
  const cluster = Cluster.connect(kubeconfig);
  if (engine.ownsCluster) {
    await installCalico(cluster, {
      source: calicoSourceOf(lab, request),
      manifests: lab.cniManifests,
      apply: (manifests) => applyManifests(cluster, manifests, signal),
      step: (text) => listener.step(text),
      update,
      timed,
      signal,
    });
    await timed('nodes to be Ready', 'cluster', () => untilNodesReady(cluster, update, signal));
    listener.step('Deploying the workloads');
    await applyManifests(cluster, lab.workloads, signal);
    await timed("the workloads' pods to be ready", 'cluster', () => untilWorkloadsReady(cluster, update, signal));
  }
  const kubeNodes = await cluster.nodes();
  const dataplane = kubeNodes[0]?.metadata?.labels?.['wglab.dev/wireguard'];
  const state: LabState = {
    ...begun,
    nodes: kubeNodes.map(({ metadata }) => metadata?.name ?? '').sort(byNumbersInThem),
    ...(dataplane === 'kernel' || dataplane === 'userspace' ? { dataplane } : {}),
  };
  await saveLabState(state);
  signal.throwIfAborted(); // whoever is told "interrupted" finds no lab
  return { state, kubeconfig, ownsCluster: engine.ownsCluster, changed: true };
}

/** `worker2` before `worker10`. */
const byNumbersInThem = new Intl.Collator('en', { numeric: true }).compare;

/** Where the machine forbids namespaces, `unshare` alone says little. */
async function whyNoNamespaces(engine: Engine, signal: AbortSignal): Promise<Error | undefined> {
  if (engine.name !== 'embedded' || signal.aborted) return undefined;
  return (await import('./preflight.ts')).explainUnshareFailure();
}
