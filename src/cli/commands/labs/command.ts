import { Command } from 'commander';
import type { Define } from '../../command.ts';
import type { Context } from '../../context.ts';
import { jsonOption } from '../../options.ts';

export const labs: Define = (run) => {
  const command = new Command('labs')
    .description('list the labs, and those that run')
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).labsCommand));
  command
    .command('lint')
    .description('look for mistakes in the files of labs that you write')
    .argument('<file...>', "labs' Markdown files")
    .addOption(jsonOption())
    .action(
      run(async () => {
        const { lintCommand } = await import('./lint.ts');
        // Commander gives `labs` an option that both have, wherever it was written.
        return (context: Context, files: string[]) => lintCommand(context, files, command.opts());
      }),
    );
  return command;
};
