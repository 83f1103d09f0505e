import type { ChalkInstance } from 'chalk';
import { ExitCode, Failure, INTERRUPTED_NOTE } from '../errors.ts';
import { type Progress, plainProgress, silentProgress, spinningProgress } from './progress.ts';
import { isInteractive, paletteFor } from './terminal.ts';

export interface GlobalOptions {
  quiet?: boolean;
}

/** What every command gets: its streams, its colours, its way to tell of progress, and the signal that says stop. */
export interface Context {
  /** Data. */
  out: NodeJS.WriteStream;
  /** Everything else. */
  err: NodeJS.WriteStream;
  palette: ChalkInstance;
  /** For what goes to `err`. */
  errPalette: ChalkInstance;
  progress: Progress;
  signal: AbortSignal;
}

export async function createContext(options: GlobalOptions): Promise<Context> {
  const { stdout: out, stderr: err, env } = process;
  const errPalette = paletteFor(err, env);
  const noise = isInteractive(err, env) ? spinningProgress(err, errPalette) : plainProgress(err, errPalette);
  return {
    out,
    err,
    palette: paletteFor(out, env),
    errPalette,
    progress: options.quiet ? silentProgress : await noise,
    signal: onInterrupt(err),
  };
}

/** How long cleaning up may take, in ms: taking a lab away needs less than one second on a machine of today. */
const CLEAN_UP_MS = 40_000;

/**
 * The first Ctrl-C (or SIGTERM, or SIGHUP from a terminal that is closed) asks everything to stop and clean up; a second one
 * ends the program now. Whatever the command makes of it, the exit status says that it was interrupted.
 */
function onInterrupt(err: NodeJS.WriteStream): AbortSignal {
  const controller = new AbortController();
  const stopNow = (why: string) => {
    err.write(`${why}: what was begun may be left; "wglab destroy" takes it away\n`);
    process.exit(ExitCode.interrupted);
  };
  const interrupted = () => {
    if (controller.signal.aborted) stopNow('stopped at once');
    err.write(`\n${INTERRUPTED_NOTE}\n`);
    process.on('exit', () => {
      process.exitCode = ExitCode.interrupted;
    });
    setTimeout(() => stopNow(`not cleaned up within ${CLEAN_UP_MS / 1000} s`), CLEAN_UP_MS).unref();
    controller.abort(new Failure(ExitCode.interrupted, 'interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted);
  // A terminal that was closed, or `2>&1 | head`: nobody reads the progress any more, which ends no work half-way.
  err.on('error', () => undefined);
  return controller.signal;
}

/** Prints an object as JSON on standard output: the form that `-o json` promises. */
export function printJson(context: Context, value: unknown): void {
  context.out.write(`${JSON.stringify(value, null, 2)}\n`);
}
