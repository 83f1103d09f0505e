import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Access, Engine } from '../engine/engine.ts';
import { allEngines, engineOf } from '../engine/engines.ts';
import { lackingFailure, messageOf, usageFailure } from '../errors.ts';
import { type LabPaths, type LabState, labPaths, listLabStates, readLabState } from '../state/lab-state.ts';

/**
 * The engines that may have made something for a lab: its own, or all there are where its state cannot be read. Each takes
 * away only what it finds of its own in the lab's folder.
 */
export async function enginesOf(name: string): Promise<Engine[]> {
  // Without the folder only the embedded engine finds what it made, by its mark on the processes; the others keep a record there.
  if (!existsSync(labPaths(name).folder)) return [await engineOf('embedded')];
  const state = await readLabState(name).catch(() => undefined); // destroy is for broken states too
  return state ? [await engineOf(state.engine)] : allEngines();
}

/** A deployed lab, and how it is reached. */
export interface StandingLab {
  state: LabState;
  paths: LabPaths;
  engine: Engine;
  access: Access;
}

/** Returns the lab that a command is about: the one named, or the only one there is. Throws if it is not deployed or does not run. */
export async function standingLab(name: string | undefined): Promise<StandingLab> {
  const state = name === undefined ? await onlyLab() : await readLabState(name);
  if (!state) throw usageFailure(`there is no lab "${name}"`, { remedy: await deployedLabs() });
  const paths = labPaths(state.name);
  const engine = await engineOf(state.engine);
  if (!(await engine.isRunning(paths.folder))) {
    throw lackingFailure(`the lab "${state.name}" does not run any more`, {
      detail: await lastWords(paths.log),
      remedy: `wglab deploy (it is made again), or wglab destroy ${state.name}`,
    });
  }
  return { state, paths, engine, access: engine.access(paths.folder, paths.kubeconfig) };
}

/** Returns the end of the engine's log, which says why it ended if it did so by itself. */
async function lastWords(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch((error) => `no log: ${messageOf(error)}`);
  return ['the end of its log:', ...text.trimEnd().split('\n').slice(-3)].join('\n');
}

async function onlyLab(): Promise<LabState> {
  const labs = await listLabStates();
  const [first, second] = labs;
  if (first && second) {
    throw usageFailure('more than one lab is running: name one', { remedy: await deployedLabs() });
  }
  if (!first) throw usageFailure('no lab is running', { remedy: 'wglab deploy' });
  if (!first.state) throw first.problem;
  return first.state;
}

async function deployedLabs(): Promise<string> {
  const names = (await listLabStates()).map(({ name }) => name);
  return names.length > 0
    ? `The labs that are running: ${names.join(', ')}.`
    : 'No lab is running: wglab deploy makes one.';
}
