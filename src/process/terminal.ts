import { createPalette, type Palette } from '../text/style.ts';

type Stream = { isTTY?: boolean; columns?: number };

/** Returns whether a stream is a terminal that something can be drawn on: one without columns is none. */
export function isTerminal({ isTTY, columns = 0 }: Stream): boolean {
  return isTTY === true && columns > 0;
}

/**
 * Returns whether a stream gets colours. NO_COLOR and TERM=dumb turn them off, FORCE_COLOR turns them on; otherwise only a terminal
 * has them.
 */
export function wantsColour(stream: Stream, environment: NodeJS.ProcessEnv): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true;
  return isTerminal(stream) && environment.TERM !== 'dumb';
}

/** Returns whether a stream can take a spinner: a terminal whose output nobody reads later as a file. */
export function isInteractive(stream: Stream, environment: NodeJS.ProcessEnv): boolean {
  return isTerminal(stream) && environment.TERM !== 'dumb' && !environment.CI;
}

/** Returns the styles for what goes to a stream. */
export function paletteFor(stream: Stream, environment: NodeJS.ProcessEnv): Palette {
  return createPalette(wantsColour(stream, environment));
}
