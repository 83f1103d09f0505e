import { randomBytes } from 'node:crypto';
import { printableLines } from './printable.ts';

type Paint = (text: string) => string;

/** The styles that wglab writes with. At level 0 they leave a text as it is. */
export interface Palette {
  readonly level: 0 | 1;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly magenta: Paint;
  readonly cyan: Paint;
  readonly black: Paint;
  readonly bgYellow: Paint;
}

/**
 * A style is written as a mark that nobody can forge who does not know this number, and becomes an escape sequence only in `rendered`.
 * So a text may mix our styles with names from a packet or a cluster, and those names still cannot colour anything.
 */
const SEAL = randomBytes(8).toString('hex');

const MARK = new RegExp(`\u001b${SEAL};(\\d+)m`, 'g');

/** Codes of ECMA-48 (SGR) that begin and end each style. */
const CODES: Readonly<Record<Exclude<keyof Palette, 'level'>, readonly [begin: number, end: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  black: [30, 39],
  bgYellow: [43, 49],
};

/** Returns the styles, or the same names without any effect. */
export function createPalette(colours: boolean): Palette {
  const paint = (style: keyof typeof CODES): Paint => {
    if (!colours) return (text) => text;
    const [begin, end] = CODES[style];
    return (text) => (text === '' ? '' : `${mark(begin)}${text}${mark(end)}`);
  };
  return {
    level: colours ? 1 : 0,
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    magenta: paint('magenta'),
    cyan: paint('cyan'),
    black: paint('black'),
    bgYellow: paint('bgYellow'),
  };
}

/** Returns a text as it may be written to a terminal or a file: our styles as escape sequences, and all else printable. */
export function rendered(text: string): string {
  return pieces(text)
    .map((piece, i) => (i % 2 === 0 ? printableLines(piece) : `\u001b[${piece}m`))
    .join('');
}

/** Returns a text without its styles. */
export function unstyled(text: string): string {
  return text.includes(SEAL) ? text.replace(MARK, '') : text;
}

/** Splits a text at its styles: texts at even places, codes of styles at odd ones. */
function pieces(text: string): string[] {
  return text.includes(SEAL) ? text.split(MARK) : [text];
}

/** Applies a function to what is between the styles, which stay. */
export function mapUnstyled(text: string, change: (piece: string) => string): string {
  return pieces(text)
    .map((piece, i) => (i % 2 === 0 ? change(piece) : mark(Number(piece))))
    .join('');
}

function mark(code: number): string {
  return `\u001b${SEAL};${code}m`;
}
