import { lackingFailure } from '../errors.ts';
import type { EngineName } from '../lab/engine-name.ts';

/** Which engine a lab gets, and why, in words for the first line of output. */
export async function chooseEngine(
  wanted: EngineName | 'auto',
  possible: readonly EngineName[],
): Promise<{ engine: EngineName; why: string }> {
  if (wanted === 'auto') return { engine: 'embedded', why: 'the only one of this version' };
  if (!possible.includes(wanted)) {
    throw lackingFailure(`this lab does not run on the engine "${wanted}"`, {
      remedy: `It runs on: ${possible.join(', ')}.`,
    });
  }
  return { engine: wanted, why: 'as asked' };
}
