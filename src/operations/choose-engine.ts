import { engineOf } from '../engine/engines.ts';
import { lackingFailure, usageFailure } from '../errors.ts';
import type { EngineName } from '../state/engine-name.ts';

/**
 * Returns the engine for a lab, and the reason, in words for the first line of output. `named` says that an existing cluster was
 * named, which only one engine uses. `image` returns the lab's node image, if that is asked for.
 */
export async function chooseEngine(
  wanted: EngineName | 'auto',
  possible: readonly EngineName[],
  named = false,
  image: () => Promise<string | undefined> = async () => undefined,
): Promise<{ engine: EngineName; why: string }> {
  if (named && wanted !== 'auto' && wanted !== 'kubernetes') {
    throw usageFailure(`the engine "${wanted}" makes a cluster of its own and uses none that is there already`, {
      remedy: 'Leave --kubeconfig, --context, --nodes and the images away, or use --engine kubernetes.',
    });
  }
  if (wanted === 'auto' && named) return { engine: 'kubernetes', why: 'for the cluster that was named' };
  if (wanted === 'auto') return automatically(possible, image);
  // A cluster that is there already keeps its own workloads, so no lab has to be made for it.
  if (wanted !== 'kubernetes' && !possible.includes(wanted)) {
    throw lackingFailure(`this lab does not run on the engine "${wanted}"`, {
      remedy: `It runs on: ${possible.join(', ')}.`,
    });
  }
  return { engine: wanted, why: 'as asked' };
}

/** Chooses a real cluster if this machine can make one that can encrypt, else the embedded engine. A machine without containerlab does not wait. */
async function automatically(possible: readonly EngineName[], image: () => Promise<string | undefined>) {
  if (!possible.includes('embedded')) return { engine: possible[0] ?? 'containerlab', why: 'what this lab is for' };
  if (!possible.includes('containerlab')) return { engine: 'embedded' as const, why: 'what this lab is for' };
  const { findTool } = await import('../machine/tools.ts');
  const missing = ['docker', 'containerlab'].filter((name) => findTool(name) === undefined);
  if (missing.length > 0) return { engine: 'embedded' as const, why: `there is no ${missing.join(' and no ')} here` };
  const against = await (await engineOf('containerlab')).whyNot?.(await image());
  if (against !== undefined) return { engine: 'embedded' as const, why: `not containerlab: ${against}` };
  return { engine: 'containerlab' as const, why: 'Docker and containerlab are here' };
}
