import { stripVTControlCharacters } from 'node:util';

/** How many columns of a terminal a text takes. It must hold no control characters (see `printable`). */
export function textWidth(text: string): number {
  if (ONLY_ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The beginning of a text that fits into so many columns. */
export function headOf(text: string, columns: number): string {
  let head = '';
  let width = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns) break;
    head += character;
  }
  return head;
}

/**
 * What a terminal would show of output that is written to it, without what moves the cursor or changes colours: a line that
 * was written over by means of carriage returns is there once, tabs have become spaces.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\r+\n/g, '\n').split('\n').map(printableLine).join('\n');
}

function printableLine(line: string): string {
  const shown = line.slice(line.replace(/\r+$/, '').lastIndexOf('\r') + 1);
  return expandTabs(shown).replace(UNPRINTABLE, '');
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line;
  return line.split('\t').reduce((before, after) => before + ' '.repeat(TAB - (textWidth(before) % TAB)) + after);
}

const TAB = 8;
const ONLY_ASCII = /^[\x20-\x7e]*$/;

/** Control characters, and those that change the direction of what follows. */
const UNPRINTABLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

const NO_COLUMN = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** East Asian wide characters and emoji (Unicode's EastAsianWidth.txt, in blocks). */
const TWO_COLUMNS =
  /^[\u1100-\u115f\u231a\u231b\u23e9-\u23ec\u2614\u2615\u26a1\u2705\u274c\u2753-\u2755\u2757\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

function characterWidth(character: string): number {
  if (NO_COLUMN.test(character)) return 0;
  return TWO_COLUMNS.test(character) ? 2 : 1;
}
