import { basename } from 'node:path';
import { engineOf } from '../engine/engines.ts';
import { messageOf } from '../errors.ts';
import { listLabs } from '../lab/lab-definition.ts';
import type { EngineName } from '../state/engine-name.ts';
import { type KnownLab, labPaths, listLabStates } from '../state/lab-state.ts';

/** An entry of `labs -o json`. */
export interface LabList {
  /** The labs that come with wglab. */
  labs: { name: string; title: string; minutes: number; engines: EngineName[]; file: string }[];
  deployments: Deployment[];
}

/** A lab that was deployed. `lab` and `engine` are null if its state cannot be read; `problem` says why, or why it is not known to run. */
export interface Deployment {
  name: string;
  lab: string | null;
  engine: EngineName | null;
  stands: boolean;
  nodes: string[];
  problem?: string;
}

/** The labs there are, and what was deployed of them. */
export async function labsAndDeployments(): Promise<LabList> {
  const [labs, known] = await Promise.all([listLabs(), listLabStates()]);
  return {
    labs: labs.map(({ name, title, minutes, engines, file }) => ({ name, title, minutes, engines, file })),
    deployments: await Promise.all(known.map(deploymentOf)),
  };
}

async function deploymentOf({ name, state, problem }: KnownLab): Promise<Deployment> {
  if (!state) return { name, lab: null, engine: null, stands: false, nodes: [], problem: problem.message };
  const { engine, nodes } = state;
  const described = { name, lab: basename(state.lab, '.md'), engine, nodes };
  try {
    return { ...described, stands: await (await engineOf(engine)).isRunning(labPaths(name).folder) };
  } catch (error) {
    return { ...described, stands: false, problem: messageOf(error) }; // its cluster does not answer
  }
}
