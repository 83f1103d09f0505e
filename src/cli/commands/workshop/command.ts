import { Command, Option } from 'commander';
import type { Define } from '../../command.ts';
import { addPartSources, engineOption, jsonOption, labFileArgument, labFileOption } from '../../options.ts';

export const workshop: Define = (run) =>
  addPartSources(new Command('workshop'))
    .description('do a lab step by step: what to type, what to look for, and a check of each step')
    .addArgument(labFileArgument())
    .addOption(labFileOption())
    .option('--auto', 'run all steps without a person, and print a transcript')
    .addOption(onScreen('--present', 'for a stage: any key types the next command, runs it, checks, goes on'))
    .addOption(onScreen('--restart', 'start over: forget which steps are done, and put the notebook aside'))
    .addOption(onScreen('--step <name>', 'start at this step'))
    .option('--shell', 'open a shell in which the commands of the lab work as written')
    .addOption(engineOption())
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).workshopCommand));

/** An option for a person at a terminal. */
function onScreen(flags: string, description: string): Option {
  return new Option(flags, description).conflicts(['auto', 'shell']);
}
