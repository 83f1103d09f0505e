import { labEvidence, labsWithEvidence, listEvidence, purgeEvidence } from '../state/evidence-store.ts';
import { lockLab } from '../state/lab-lock.ts';
import { labPaths, listLabStates, removeLabState } from '../state/lab-state.ts';
import { enginesOf } from './labs.ts';

export interface Destroyed {
  /** There was a lab of this name. */
  existed: boolean;
  /** The evidence of its runs that is still there, or (`purge`) that was there. */
  evidence: { folder: string; runs: number };
}

/** Destroys a lab, from any state, and checks that nothing of it is left. Its evidence stays unless `purge` is set. */
export async function destroy(name: string, { purge = false } = {}): Promise<Destroyed> {
  const { folder } = labPaths(name);
  const lock = await lockLab(name);
  try {
    const known = (await listLabStates()).some((lab) => lab.name === name);
    let running = false;
    for (const engine of await enginesOf(name)) {
      running ||= await Promise.resolve(engine.isRunning(folder)).catch(() => false); // engine.destroy explains what is wrong
      await engine.destroy(folder);
    }
    await removeLabState(name);
    const evidence = { folder: labEvidence(name), runs: (await listEvidence(name)).length };
    if (purge) await purgeEvidence(name);
    return { existed: known || running, evidence };
  } finally {
    lock.release();
  }
}

/** The names of all labs that have a folder; with `purge`, also of those that nothing but evidence is left of. */
export async function allLabs({ purge = false } = {}): Promise<string[]> {
  const names = (await listLabStates()).map(({ name }) => name);
  return purge ? [...new Set([...names, ...(await labsWithEvidence())])].sort() : names;
}
