import { Command, Option } from 'commander';
import type { Define } from '../../command.ts';
import { addLabSource, jsonOption, labFileArgument, labFileOption } from '../../options.ts';

export const pull: Define = (run) =>
  addLabSource(
    new Command('pull')
      .description('fetch everything that a lab needs on a real cluster, for use without a network')
      .addArgument(labFileArgument())
      .addOption(labFileOption())
      .option('--save <file>', 'write the images to a file, with the manifests of Calico')
      .addOption(new Option('--load <file>', 'read the images from such a file instead').conflicts('save')),
  )
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).pullCommand));
