import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { addExistingCluster, engineOption, jsonOption } from '../../options.ts';

export const doctor: Define = (run) =>
  addExistingCluster(
    new Command('doctor')
      .description('check what this machine can run, with the remedy for each gap')
      .option('--fix', 'apply the remedies that can be applied')
      .addOption(engineOption()),
  )
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).doctorCommand));
