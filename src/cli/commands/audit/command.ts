import { Argument, Command, Option } from 'commander';
import type { Define } from '../../command.ts';
import { addExistingCluster, collect, jsonOption, labOption, pairCount } from '../../options.ts';

export const audit: Define = (run) => {
  const command = new Command('audit')
    .description('prove a claim about a cluster that exists: probe it, verify, remove the probes, write the report')
    .addArgument(new Argument('[lab]', 'a lab that is running, instead of a cluster'))
    .addOption(labOption())
    .addOption(
      new Option('--expect <claim>', 'the claim to judge').choices(['encrypted', 'plaintext']).default('encrypted'),
    )
    .requiredOption('--report <folder>', 'a new folder for the report');
  return addExistingCluster(command)
    .option('--nodes <selector>', 'the nodes to probe, as for kubectl get nodes -l (default: all)')
    .option('--probe-image <image>', 'an image with tcpdump, wg, ip and bash that these nodes can pull')
    .option('--proof-image <image>', 'an image with sh and nc that these nodes can pull')
    .option('--pairs <count>', 'observe a sample of about so many pairs, or all (default: all up to 400)', pairCount)
    .option('--sign <keyfile>', 'sign the evidence with this private SSH key')
    .option('--control <text>', 'a control of a standard that this is for, in your words (may be repeated)', collect)
    .option('--junit <file>', 'write the JUnit report to this file too')
    .option('-y, --yes', 'create the probes without asking')
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).auditCommand));
};
