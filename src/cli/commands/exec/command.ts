import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { labOption } from '../../options.ts';

export const exec: Define = (run) =>
  new Command('exec')
    .description('run a command on a node or in a pod')
    .argument('<target>', 'a node, a pod, or namespace/pod')
    .argument('[command...]', 'the command and its arguments, after --')
    .addOption(labOption())
    .option('-t, --tty', 'with a terminal (default: if this is one)')
    .option('-T, --no-tty', 'without a terminal')
    .action(run(async () => (await import('./action.ts')).execCommand));
