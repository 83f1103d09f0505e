import { CommanderError } from 'commander';
import { ExitCode, Failure, messageOf } from '../errors.ts';
import { paletteFor } from './terminal.ts';

/** Tells the person what went wrong, and gives the exit status for it. */
export function reportError(error: unknown): ExitCode {
  const palette = paletteFor(process.stderr, process.env);
  const write = (text: string) => process.stderr.write(`${text}\n`);
  if (error instanceof CommanderError) return ExitCode.usage; // commander has said what is wrong
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
