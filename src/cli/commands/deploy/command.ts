import { Command } from 'commander';
import type { Define } from '../../command.ts';
import {
  addExistingCluster,
  addLabSource,
  engineOption,
  jsonOption,
  labFileArgument,
  labFileOption,
  wholeNumber,
} from '../../options.ts';

export const deploy: Define = (run) => {
  const command = new Command('deploy')
    .description('run a lab: cluster, CNI and workloads')
    .addArgument(labFileArgument())
    .addOption(labFileOption())
    .option('--name <name>', 'a name for this deployment, to have several of one lab')
    .option('--workers <count>', "another number of workers than the lab's", wholeNumber)
    .option('--keep', 'keep what was made if the deployment fails')
    .option('--timings', 'report where the time went: tools, cluster, wglab itself')
    .addOption(engineOption())
    .addOption(jsonOption())
    .optionsGroup("Replacing parts of the lab's files:");
  addLabSource(command).optionsGroup('With --engine kubernetes:');
  return addExistingCluster(command)
    .option('--nodes <selector>', 'the nodes to probe, as for kubectl get nodes -l (default: all)')
    .option('--probe-image <image>', 'an image with tcpdump, wg, ip and bash that these nodes can pull')
    .option('--proof-image <image>', 'an image with sh and nc that these nodes can pull')
    .action(run(async () => (await import('./action.ts')).deployCommand));
};
