import type { PullRequest } from '../../../engine/engine.ts';
import { ExitCode } from '../../../errors.ts';
import { pull } from '../../../operations/pull.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab, FLAGSHIP } from '../../options.ts';

export async function pullCommand(
  context: Context,
  argument: string | undefined,
  { output, ...options }: Omit<PullRequest, 'lab'> & { lab?: string; output?: 'json' },
): Promise<number> {
  const { out, err, errPalette, palette, progress, signal } = context;
  const lab = chosenLab(argument, options.lab) ?? FLAGSHIP;
  const pulled = await pull({ ...options, lab }, progress, signal).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done();
  const missing = pulled.images.filter(({ here }) => !here);
  if (output) printJson(context, pulled);
  else
    for (const { image, here } of pulled.images)
      out.write(`${here ? palette.green('✓') : palette.red('✗')} ${image}\n`);
  if (missing.length === 0)
    err.write(`${errPalette.green('Everything is here.')} Next: wglab deploy ${lab} --engine containerlab\n`);
  return missing.length === 0 ? ExitCode.done : ExitCode.lacking;
}
