import type { EngineName } from '../lab/engine-name.ts';
import { lockLab } from '../lab/lab-lock.ts';
import { labPaths, listLabStates, readLabState, removeLabState } from '../lab/state.ts';
import { engineOf } from './labs.ts';

/** Takes a lab away, from any state, and checks that nothing of it is left. Gives false where there was nothing. */
export async function destroy(name: string): Promise<boolean> {
  const { folder } = labPaths(name);
  const lock = await lockLab(name);
  try {
    const known = (await listLabStates()).some((lab) => lab.name === name);
    const engine = await engineOf(await engineNameOf(name));
    const stood = engine.stands(folder);
    await engine.destroy(folder);
    await removeLabState(name);
    return known || stood;
  } finally {
    lock.release();
  }
}

/** A state that cannot be read still wants to be taken away: then the engine that leaves no trace elsewhere is asked. */
async function engineNameOf(name: string): Promise<EngineName> {
  try {
    return (await readLabState(name))?.engine ?? 'embedded';
  } catch {
    return 'embedded';
  }
}

/** The names of all labs that there is something of. */
export async function allLabs(): Promise<string[]> {
  return (await listLabStates()).map(({ name }) => name);
}
