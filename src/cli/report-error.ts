import { CommanderError } from 'commander';
import { ExitCode, Failure, lackingFailure, messageOf } from '../errors.ts';
import { paletteFor } from '../process/terminal.ts';
import { printableJson } from '../text/printable.ts';
import { standardError, standardOutput } from './output.ts';

/** Reports what went wrong, to the person and with `-o json` also to the program that reads standard output. Returns the exit status. */
export function reportError(thrown: unknown): ExitCode {
  const error = asFailure(thrown);
  const exitCode = exitCodeOf(error);
  if (exitCode !== ExitCode.interrupted && wantsJson(process.argv))
    standardOutput.write(`${printableJson({ error: forJson(error, exitCode) }, 0)}\n`);
  if (error instanceof CommanderError) return exitCode; // commander has written what is wrong
  const palette = paletteFor(standardError.stream, process.env);
  const write = (text: string) => standardError.write(`${text}\n`);
  if (exitCode !== ExitCode.interrupted) write(`${palette.red('error:')} ${messageOf(error)}`);
  if (error instanceof Failure) {
    if (error.detail) write(error.detail.replace(/^/gm, '  '));
    if (error.remedy) write(`${palette.bold('try:')} ${error.remedy}`);
  } else {
    write('This is a bug in wglab; please report it with what follows.');
    write((error instanceof Error && error.stack) || String(error));
  }
  return exitCode;
}

/** Ends wglab because of an error that nobody caught. The status is never 1, which says that a claim fails. */
export function crash(error: unknown): void {
  // An interruption may end in many places at once; the command itself is among them, and reports.
  if (error instanceof Failure && error.exitCode === ExitCode.interrupted) return;
  // After those who put the terminal in order when wglab ends: what is written before is lost with the workshop's screen.
  process.on('exit', () => {
    process.exitCode = reportError(error);
  });
  process.exit(ExitCode.labFailed);
}

/** Error codes of a machine that has run out of something, which any call may end with; no code of ours is wrong then. */
const RUN_OUT: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your share of the disk is used up',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  ENOMEM: 'there is no memory left',
};

function asFailure(thrown: unknown): unknown {
  if (thrown instanceof Failure || !(thrown instanceof Error && 'code' in thrown)) return thrown;
  const why = RUN_OUT[String(thrown.code)];
  return why === undefined ? thrown : lackingFailure(`${why} (${thrown.message})`, { cause: thrown });
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return ExitCode.usage;
  if (error instanceof Failure && error.exitCode !== ExitCode.claimFails) return error.exitCode;
  return ExitCode.labFailed;
}

function forJson(error: unknown, exitCode: ExitCode) {
  const { detail = null, remedy = null } = error instanceof Failure ? error : {};
  return { message: messageOf(error).replace(/^error: /, ''), detail, remedy, exitCode };
}

/** Read from the arguments themselves: an error may come before they are understood. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  return own.some(
    (word, i) => /^(?:-o=?json|--output=json)$/.test(word) || (/^(?:-o|--output)$/.test(word) && own[i + 1] === 'json'),
  );
}
