import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { jsonOption, labArgument, labOption } from '../../options.ts';

export const diagnose: Define = (run) =>
  new Command('diagnose')
    .description('find out why traffic is not encrypted: every link of the chain, and the broken one')
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).diagnoseCommand));
