import { Command, Option } from 'commander';
import type { Define } from '../../command.ts';
import { collect } from '../../options.ts';

export const report: Define = (run) =>
  new Command('report')
    .description('write the report of evidence that exists: for people, for programs, and to be signed')
    .argument('[evidence...]', 'one evidence folder, or two: before and after (default: the newest)')
    .requiredOption('-o, --output <folder>', 'a new folder for the report')
    .addOption(new Option('--expect <claim>', "another claim than the run's").choices(['encrypted', 'plaintext']))
    .option('--allowed-signers <file>', 'who may have signed the evidence, as ssh-keygen has it')
    .option('--control <text>', 'a control of a standard that this is for, in your words (may be repeated)', collect)
    .action(run(async () => (await import('./action.ts')).reportCommand));
