import { Command } from 'commander';
import type { Define } from '../../command.ts';

/** Runs if `wglab` is called without a command. */
export const start: Define = (run) =>
  new Command('start').allowExcessArguments(false).action(run(async () => (await import('./action.ts')).startCommand));
