import { existsSync } from 'node:fs';
import type { Engine, ExistingCluster, Timed } from '../engine/engine.ts';
import { type Lab, readLabFiles } from '../lab/lab.ts';
import { findLab } from '../lab/lab-definition.ts';
import type { EngineName } from '../state/engine-name.ts';
import { lockLab } from '../state/lab-lock.ts';
import { checkLabName } from '../state/lab-name.ts';
import { type LabState, labPaths, readLabState, removeLabState } from '../state/lab-state.ts';
import { bringUp } from './bring-up.ts';
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
  const definition = await findLab(request.lab);
  const name = checkLabName(request.name ?? definition.name);
  const lock = await lockLab(name);
  try {
    const present = await presentLab(name);
    if (present) return { ...present, changed: false };
    let reading: Promise<Lab> | undefined;
    const lab = () => {
      reading ??= readLabFiles(definition, request);
      return reading;
    };
    const image = async () => (await lab()).topology.image;
    const choice = await chooseEngine(request.engine, definition.engines, request.existing !== undefined, image);
    listener.info(`engine: ${choice.engine} (${choice.why})`);
    const engine = await engineOf(choice.engine);
    if (engine.name === 'embedded') await (await import('../engine/embedded/doctor/preflight.ts')).preflightEmbedded();
    // What one could go on with is not taken away for a mistake in a file.
    if (engine.resumes) await lab().then(() => clearOthers(name, engine));
    else await clear(name, engine);
    try {
      return await bringUp({ engine, definition, lab, name, request, listener, signal });
    } catch (error) {
      // Of a lab whose files are wrong nothing was made that could be of use.
      const isReadable = await lab().then(
        () => true,
        () => false,
      );
      if (!request.keep || !isReadable) await clear(name, engine);
      throw signal.aborted ? signal.reason : error;
    }
  } finally {
    lock.release();
  }
}

/** Who hears of the steps, and keeps their times. */
export type Work = DeployListener & { timed: Timed };

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
