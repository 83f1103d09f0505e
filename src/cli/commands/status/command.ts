import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { jsonOption, labArgument, labOption } from '../../options.ts';

export const status: Define = (run) =>
  new Command('status')
    .description('show nodes, pods, encryption, peers and handshakes')
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).statusCommand));
