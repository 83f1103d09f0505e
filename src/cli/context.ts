import type { ChalkInstance } from 'chalk';
import { ExitCode, Failure } from '../errors.ts';
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

/** The first Ctrl-C (or SIGTERM) asks everything to stop and clean up; a second one ends the program now. */
function onInterrupt(err: NodeJS.WriteStream): AbortSignal {
  const controller = new AbortController();
  const interrupted = () => {
    if (controller.signal.aborted) {
      err.write('stopped at once: what was begun may be left; "wglab destroy" takes it away\n');
      process.exit(ExitCode.interrupted);
    }
    err.write('\ninterrupted: cleaning up (press Ctrl-C again to stop at once)\n');
    controller.abort(new Failure(ExitCode.interrupted, 'interrupted'));
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  return controller.signal;
}

/** Prints an object as JSON on standard output: the form that `-o json` promises. */
export function printJson(context: Context, value: unknown): void {
  context.out.write(`${JSON.stringify(value, null, 2)}\n`);
}
