import { existsSync } from 'node:fs';
import type { Engine } from '../engine/engine.ts';
import { engineOf } from '../engine/engines.ts';
import { type Lab, readLabFiles } from '../lab/lab.ts';
import { findLab, withCni } from '../lab/lab-definition.ts';
import type { Reporter } from '../process/reporter.ts';
import { lockLab } from '../state/lab-lock.ts';
import { checkLabName } from '../state/lab-name.ts';
import { labPaths, readLabState, removeLabState } from '../state/lab-state.ts';
import { bringUp } from './bring-up.ts';
import { chooseEngine } from './choose-engine.ts';
import type { Deployed, DeployRequest } from './deploy-request.ts';
import { enginesOf } from './labs.ts';
import { Stopwatch } from './timings.ts';

/**
 * Deploys a lab, or returns it unchanged if it is running. Throws a Failure; then what was made is removed, unless `keep` is set.
 * `watch` keeps the times of the steps, also of a deployment that fails.
 */
export async function deploy(
  request: DeployRequest,
  listener: Omit<Reporter, 'timed'>,
  signal: AbortSignal,
  watch = new Stopwatch(performance.now()),
): Promise<Deployed> {
  const reporter = watch.reporter(listener);
  const definition = withCni(await findLab(request.lab), request.cni);
  const name = checkLabName(request.name ?? definition.name);
  const lock = await lockLab(name);
  try {
    const running = await runningLab(name);
    if (running) return { ...running, changed: false };
    const lab = once(() => readLabFiles(definition, request));
    const image = async () => (await lab()).topology.image;
    const choice = await chooseEngine(request.engine, definition.engines, request.existing !== undefined, image);
    reporter.info(`engine: ${choice.engine} (${choice.why})`);
    const engine = await engineOf(choice.engine);
    await engine.preflight?.();
    await removeLeftovers(name, engine, lab);
    try {
      return await bringUp({ engine, definition, lab, name, request, reporter, signal });
    } catch (error) {
      // If the lab's files are wrong, nothing was made that could be of use.
      if (!request.keep || !(await isReadable(lab))) await removeAll(name, engine);
      throw signal.aborted ? signal.reason : error;
    }
  } finally {
    lock.release();
  }
}

/** Returns a function that does the work at its first call and returns the same result at every call. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

/** Returns the lab of this name if all of it is running. */
async function runningLab(name: string): Promise<Omit<Deployed, 'changed'> | undefined> {
  const state = await readLabState(name).catch(() => undefined); // a lab with a broken state is made again
  if (!state || state.nodes.length === 0) return undefined;
  const { folder, kubeconfig } = labPaths(name);
  if (!existsSync(kubeconfig)) return undefined; // nobody can reach it any more
  const engine = await engineOf(state.engine);
  return (await engine.isRunning(folder)) ? { state, kubeconfig, ownsCluster: engine.ownsCluster } : undefined;
}

/** Removes what an earlier run left unfinished. An engine that can continue such a run keeps its own. */
async function removeLeftovers(name: string, engine: Engine, lab: () => Promise<Lab>): Promise<void> {
  if (!engine.resumes) return removeAll(name, engine);
  await lab(); // a mistake in a file is no reason to remove what can be continued
  for (const other of await enginesOf(name)) if (other !== engine) await other.destroy(labPaths(name).folder);
}

async function removeAll(name: string, engine: Engine): Promise<void> {
  for (const each of new Set([...(await enginesOf(name)), engine])) await each.destroy(labPaths(name).folder);
  await removeLabState(name);
}

function isReadable(lab: () => Promise<Lab>): Promise<boolean> {
  return lab().then(
    () => true,
    () => false,
  );
}
