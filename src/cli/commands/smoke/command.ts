import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { addLabSource, engineOption, jsonOption, labFileOption, wholeNumber } from '../../options.ts';

export const smoke: Define = (run) =>
  addLabSource(
    new Command('smoke')
      .description(
        'for CI: deploy, prove plaintext, encrypt, prove ciphertext, turn off, prove plaintext again, destroy',
      )
      .argument('[lab]', 'run the steps of this lab with their checks instead: its name, or the path of its file')
      .addOption(labFileOption())
      .option('--junit <file>', 'write a JUnit report')
      .option('--evidence <folder>', 'keep the evidence of every phase there')
      .option('--name <name>', 'a name for this deployment')
      .option('--workers <count>', "another number of workers than the lab's", wholeNumber),
  )
    .addOption(engineOption())
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).smokeCommand));
