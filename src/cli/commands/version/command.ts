import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { jsonOption } from '../../options.ts';

export const version: Define = (run) =>
  new Command('version')
    .description('print the version')
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).versionCommand));
