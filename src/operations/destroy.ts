import { lockLab } from '../state/lab-lock.ts';
import { labPaths, listLabStates, removeLabState } from '../state/lab-state.ts';
import { enginesOf } from './labs.ts';

/** Takes a lab away, from any state, and checks that nothing of it is left. Gives false where there was nothing. */
export async function destroy(name: string): Promise<boolean> {
  const { folder } = labPaths(name);
  const lock = await lockLab(name);
  try {
    const known = (await listLabStates()).some((lab) => lab.name === name);
    let stood = false;
    for (const engine of await enginesOf(name)) {
      stood ||= await Promise.resolve(engine.stands(folder)).catch(() => false); // what is wrong, destroy says better
      await engine.destroy(folder);
    }
    await removeLabState(name);
    return known || stood;
  } finally {
    lock.release();
  }
}

/** The names of all labs that there is something of. */
export async function allLabs(): Promise<string[]> {
  return (await listLabStates()).map(({ name }) => name);
}
