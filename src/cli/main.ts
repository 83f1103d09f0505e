import { CommanderError } from 'commander';
import { ExitCode, Failure, messageOf } from '../errors.ts';
import { buildProgram } from './program.ts';
import { paletteFor } from './terminal.ts';

/** Runs wglab with its arguments; the only place that decides the exit status. */
async function main(argv: readonly string[]): Promise<number> {
  let status: number = ExitCode.done;
  try {
    await buildProgram((code) => {
      status = code;
    }).parseAsync([...argv]);
    return status;
  } catch (error) {
    return report(error);
  }
}

/** Tells the person what went wrong, and gives the exit status for it. */
function report(error: unknown): number {
  const palette = paletteFor(process.stderr, process.env);
  const write = (text: string) => process.stderr.write(`${text}\n`);
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  if (error instanceof Failure) {
    if (error.exitCode !== ExitCode.interrupted) write(`${palette.red('error:')} ${error.message}`);
    if (error.detail) write(error.detail.replace(/^/gm, '  '));
    if (error.remedy) write(`${palette.bold('try:')} ${error.remedy}`);
    return error.exitCode;
  }
  write(`${palette.red('error:')} ${messageOf(error)}`);
  write('This is a fault of wglab itself; please report it with what follows.');
  write((error instanceof Error && error.stack) || String(error));
  return ExitCode.labFailed;
}

// Output that is cut off by `| head` is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(ExitCode.done);
});

process.exit(await main(process.argv));
