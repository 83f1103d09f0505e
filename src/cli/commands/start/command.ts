import { Command } from 'commander';
import type { Define } from '../../command.ts';

/** What `wglab` does if nothing else is asked of it. */
export const start: Define = (run) =>
  new Command('start').allowExcessArguments(false).action(run(async () => (await import('./action.ts')).startCommand));
