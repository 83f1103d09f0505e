/**
 * Characters that move a cursor, change colours or the direction of text, break a line or cannot be seen. U+200D, which joins emoji,
 * does none of that.
 */
export const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?!\u200d)\p{Cf}/gu;

/** Returns a text on one line, with everything that is not printable written as an escape: `\u{1b}`, `\u{202e}`, `\n`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** Returns a text of several lines in which line breaks and tabs stay, and everything else that is not printable is escaped. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

/** Returns JSON that means the same and holds nothing that a terminal would obey. */
export function printableJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : [...Array(character.length).keys()].map((at) => unit(character, at)).join(''),
  );
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  return SHORT[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function unit(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
}
