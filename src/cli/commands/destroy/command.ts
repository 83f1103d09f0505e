import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { jsonOption, labArgument, labOption } from '../../options.ts';

export const destroy: Define = (run) =>
  new Command('destroy')
    .description('remove a lab, and check that nothing of it is left')
    .addArgument(labArgument())
    .addOption(labOption())
    .option('-a, --all', 'all labs')
    .option('--purge', 'remove the evidence of its runs too')
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).destroyCommand));
