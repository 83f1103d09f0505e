import { Argument, Command, Option } from 'commander';
import type { Define } from '../../command.ts';
import { jsonOption, labArgument, labOption } from '../../options.ts';

export const encrypt: Define = (run) =>
  new Command('encrypt')
    .description("turn the CNI's encryption on or off, and wait until every node has converged")
    .addArgument(new Argument('<what>', 'what to do').choices(['on', 'off', 'status', 'rotate']))
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(
      new Option('--type <type>', 'which encryption (Cilium has both)')
        .choices(['wireguard', 'ipsec'])
        .default('wireguard'),
    )
    .option('--no-heal', 'leave a calico-node that is stuck as it is')
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).encryptCommand));
