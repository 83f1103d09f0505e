import { headOf, textWidth } from './width.ts';

/** A piece of text with whatever else its owner keeps of it. */
interface Piece {
  readonly text: string;
}

/** Breaks a text at its spaces into lines of a width; a longer word is cut. Returns no line for an empty text. */
export function wrap(text: string, width: number): string[] {
  if (text === '') return [];
  return wrapPieces([{ text }], width).map((line) => line.map((piece) => piece.text).join(''));
}

/** Wraps pieces of text to a width; `\n` breaks a line. A word that is wider than a whole line is cut. */
export function wrapPieces<P extends Piece>(pieces: readonly P[], width: number): P[][] {
  const lines: P[][] = [[]];
  const line = () => lines[lines.length - 1] ?? [];
  let room = width;
  let space: P | undefined;
  const newLine = () => {
    lines.push([]);
    room = width;
    space = undefined;
  };
  for (const token of tokens(pieces)) {
    if (token === 'break') newLine();
    else if (!Array.isArray(token)) space = token;
    else {
      const needed = widthOf(token) + (space && line().length > 0 ? 1 : 0);
      if (needed > room && line().length > 0) newLine();
      if (space && line().length > 0) {
        line().push(space);
        room -= 1;
      }
      space = undefined;
      for (const part of parts(token, width)) {
        if (widthOf(part) > room) newLine();
        line().push(...part);
        room -= widthOf(part);
      }
    }
  }
  return lines;
}

/** Returns how many columns some pieces take together. */
export function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((width, { text }) => width + textWidth(text), 0);
}

type Token<P> = 'break' | P | P[];

/** Returns words (which may be of several pieces), the space between them, and line breaks. */
function tokens<P extends Piece>(pieces: readonly P[]): Token<P>[] {
  const found: Token<P>[] = [];
  for (const piece of pieces) {
    for (const part of piece.text.split(/(\n| +)/)) {
      const last = found.at(-1);
      if (part === '') continue;
      if (part === '\n') found.push('break');
      else if (part.startsWith(' ')) found.push({ ...piece, text: ' ' });
      else if (Array.isArray(last)) last.push({ ...piece, text: part });
      else found.push([{ ...piece, text: part }]);
    }
  }
  return found;
}

/** Returns a word as it is, or in parts that each fit into a line. */
function parts<P extends Piece>(word: P[], width: number): P[][] {
  if (widthOf(word) <= width) return [word];
  return word.flatMap((piece) => cutToWidth(piece.text, width).map((text) => [{ ...piece, text }]));
}

/** Cuts a text into pieces that each fill a line, wherever that falls. */
export function cutToWidth(text: string, width: number): string[] {
  const cut: string[] = [];
  let rest = text;
  while (textWidth(rest) > width) {
    const head = headOf(rest, width) || (/^./su.exec(rest)?.[0] ?? rest);
    cut.push(head);
    rest = rest.slice(head.length);
  }
  return rest === '' ? cut : [...cut, rest];
}
