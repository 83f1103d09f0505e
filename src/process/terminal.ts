import { Chalk, type ChalkInstance } from 'chalk';

/**
 * Whether a stream gets colours, decided once for all that writes to it: chalk itself does not honour NO_COLOR
 * (chalk/supports-color#74). NO_COLOR and TERM=dumb turn them off, FORCE_COLOR on, else only a terminal has them.
 */
export function wantsColour(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && environment.TERM !== 'dumb';
}

/** Whether a stream can take a spinner: a real terminal, where nobody reads the output later as a file. */
export function isInteractive(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && environment.TERM !== 'dumb' && !environment.CI;
}

export function paletteFor(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): ChalkInstance {
  return new Chalk({ level: wantsColour(stream, environment) ? 1 : 0 });
}

/** Columns of text under their headings, as kubectl prints tables. Colours count for no width. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => visibleLength(line[column] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours begin with one
const COLOUR = /\u001b\[[0-9;]*m/g;

export function visibleLength(text: string): number {
  return text.replace(COLOUR, '').length;
}
