import { lackingFailure, usageFailure } from '../errors.ts';
import type { EngineName } from '../lab/engine-name.ts';

/**
 * Which engine a lab gets, and why, in words for the first line of output. `named` says that a cluster was named that is there
 * already: only one engine uses such a one.
 */
export async function chooseEngine(
  wanted: EngineName | 'auto',
  possible: readonly EngineName[],
  named = false,
): Promise<{ engine: EngineName; why: string }> {
  if (named && wanted !== 'auto' && wanted !== 'kubernetes') {
    throw usageFailure(`the engine "${wanted}" makes a cluster of its own and uses none that is there already`, {
      remedy: 'Leave --kubeconfig, --context, --nodes and the images away, or use --engine kubernetes.',
    });
  }
  if (wanted === 'auto' && named) return { engine: 'kubernetes', why: 'for the cluster that was named' };
  if (wanted === 'auto') return { engine: 'embedded', why: 'the only one of this version' };
  if (!possible.includes(wanted)) {
    throw lackingFailure(`this lab does not run on the engine "${wanted}"`, {
      remedy: `It runs on: ${possible.join(', ')}.`,
    });
  }
  return { engine: wanted, why: 'as asked' };
}
