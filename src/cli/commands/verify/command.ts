import { Command, Option } from 'commander';
import type { Define } from '../../command.ts';
import { jsonOption, labArgument, labOption, pairCount } from '../../options.ts';

export const verify: Define = (run) =>
  new Command('verify')
    .description('observe every pair of nodes, give a verdict on a claim, and keep the evidence')
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(new Option('--expect <claim>', 'the claim to judge').choices(['encrypted', 'plaintext']))
    .option('--pairs <count>', 'observe a sample of about so many pairs, or all (default: all up to 400)', pairCount)
    .option('--from <folder>', 'judge evidence again, without the lab')
    .option('--ledger', 'print the account of every captured packet instead of the pairs')
    .option('--evidence <folder>', 'a new folder for the evidence (default: in the evidence store)')
    .option('--sign <keyfile>', 'sign the evidence with this private SSH key')
    .option('--allowed-signers <file>', 'with --from: who may have signed it, as ssh-keygen has it')
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).verifyCommand));
