import { isInteractive, paletteFor } from '../process/terminal.ts';
import { printableJson } from '../text/printable.ts';
import type { Palette } from '../text/style.ts';
import { interruptSignal } from './interrupt.ts';
import { type Output, silentOutput, standardError, standardOutput } from './output.ts';
import { type Progress, plainProgress, silentProgress, spinningProgress } from './progress.ts';

export interface GlobalOptions {
  quiet?: boolean;
}

/** Everything that a command gets: its streams, its colours, its way to report progress, and the signal to stop. */
export interface Context {
  /** Data. */
  out: Output;
  /** Everything else. */
  err: Output;
  palette: Palette;
  /** For what goes to `err`. */
  errPalette: Palette;
  progress: Progress;
  signal: AbortSignal;
}

/** Returns the context of a command; from now on, Ctrl-C and a terminal that is closed stop it. */
export function createContext({ quiet = false }: GlobalOptions): Context {
  const { env } = process;
  const palette = paletteFor(standardOutput.stream, env);
  const errPalette = paletteFor(standardError.stream, env);
  const signal = interruptSignal();
  const common = { out: standardOutput, palette, errPalette, signal };
  if (quiet) return { ...common, err: silentOutput, progress: silentProgress };
  const progress = isInteractive(standardError.stream, env)
    ? spinningProgress(standardError, errPalette)
    : plainProgress(standardError, errPalette);
  return { ...common, err: standardError, progress };
}

/** Prints an object as JSON on standard output: the form that `-o json` promises. */
export function printJson(context: Context, value: unknown): void {
  context.out.write(`${printableJson(value)}\n`);
}
