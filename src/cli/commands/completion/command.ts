import { Argument, Command } from 'commander';
import type { Define } from '../../command.ts';
import type { Context } from '../../context.ts';
import type { Shell } from './scripts.ts';

export const completion: Define = (run) => {
  const command = new Command('completion')
    .description('print a completion script for your shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', '\nExample:\n  source <(wglab completion bash)')
    .action(
      run(async () => {
        const { completionCommand } = await import('./action.ts');
        return (context: Context, shell: Shell) => completionCommand(context, shell, command.parent ?? command);
      }),
    );
  return command;
};
