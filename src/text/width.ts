import { eastAsianWidth } from 'get-east-asian-width';
import { mapUnstyled, unstyled } from './style.ts';

const ONLY_ASCII = /^[\x20-\x7e]*$/;
const NO_COLUMN = /^[\p{Mn}\p{Me}\p{Cc}\p{Cf}]$/u;
/** Not as a literal, which TypeScript would allow only for a newer Node. */
const ONE_EMOJI: string = '^\\p{RGI_Emoji}$';
const EMOJI = new RegExp(ONE_EMOJI, 'v');

let segmenter: Intl.Segmenter | undefined;

/** Returns how many columns of a terminal a text takes; its styles take none. */
export function textWidth(text: string): number {
  const shown = unstyled(text);
  if (ONLY_ASCII.test(shown)) return shown.length;
  return characters(shown).reduce((width, character) => width + characterWidth(character), 0);
}

/** Returns the longest beginning of a text that fits into a number of columns. Styles in it stay, also those after the end. */
export function headOf(text: string, columns: number): string {
  let room = columns;
  return mapUnstyled(text, (piece) => {
    const head = plainHead(piece, room);
    room = head === piece ? room - textWidth(head) : 0;
    return head;
  });
}

/** Returns a text that fits into a number of columns; where something was cut off, it ends in an ellipsis. */
export function shorten(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  return columns > 0 ? `${headOf(text, columns - 1)}…` : '';
}

/** Returns a text filled up with spaces to a number of columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)));
}

function plainHead(text: string, columns: number): string {
  if (ONLY_ASCII.test(text)) return text.slice(0, Math.max(0, columns));
  let head = '';
  let width = 0;
  for (const character of characters(text)) {
    width += characterWidth(character);
    if (width > columns) break;
    head += character;
  }
  return head;
}

/** The characters as a person counts them: an accent or a joined emoji belongs to what it is written on. */
function characters(text: string): string[] {
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (NO_COLUMN.test(String.fromCodePoint(code))) return 0;
  return EMOJI.test(character) ? 2 : eastAsianWidth(code);
}
