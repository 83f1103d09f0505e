import type { PullRequest } from '../engine/engine.ts';
import { ExitCode } from '../errors.ts';
import { pull } from '../operations/pull.ts';
import { type Context, printJson } from './context.ts';

export async function pullCommand(
  context: Context,
  lab: string,
  { output, ...options }: Omit<PullRequest, 'lab'> & { output?: 'json' },
): Promise<number> {
  const { out, err, errPalette, palette, progress, signal } = context;
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
    err.write(`${errPalette.green('All is here.')} Next: wglab deploy ${lab} --engine containerlab\n`);
  return missing.length === 0 ? ExitCode.done : ExitCode.lacking;
}
