import type { Pulled, PullRequest } from '../engine/engine.ts';
import { engineOf } from '../engine/engines.ts';
import type { Reporter } from '../process/reporter.ts';

/**
 * Brings all that a lab needs on a real cluster onto this machine, from the network or from a file: images and Calico's
 * manifests. Throws a Failure that names what cannot be had.
 */
export async function pull(
  request: PullRequest,
  reporter: Omit<Reporter, 'timed'>,
  signal: AbortSignal,
): Promise<Pulled> {
  const engine = await engineOf('containerlab');
  if (!engine.pull) throw new Error(`the engine ${engine.name} pulls nothing`);
  return engine.pull(request, reporter, signal);
}
