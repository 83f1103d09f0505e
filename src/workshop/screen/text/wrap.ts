import { type Row, type Span, spansWidth } from './row.ts';
import { headOf, textWidth } from './width.ts';

/** Words wrapped to a width; `\n` breaks a line. A word that is wider than a whole row is broken. */
export function wrap(spans: readonly Span[], width: number): Row[] {
  const rows: Span[][] = [[]];
  const current = () => rows[rows.length - 1] ?? [];
  let room = width;
  let space: Span | undefined;
  for (const token of tokens(spans)) {
    if (token === 'break') {
      rows.push([]);
      room = width;
      space = undefined;
    } else if (!Array.isArray(token)) {
      space = token;
    } else {
      const needed = spansWidth(token) + (space && current().length > 0 ? 1 : 0);
      if (needed > room && current().length > 0) {
        rows.push([]);
        room = width;
        space = undefined;
      }
      if (space && current().length > 0) {
        current().push(space);
        room -= 1;
      }
      space = undefined;
      for (const piece of pieces(token, width)) {
        if (spansWidth(piece) > room) {
          rows.push([]);
          room = width;
        }
        current().push(...piece);
        room -= spansWidth(piece);
      }
    }
  }
  return rows.map((line) => ({ spans: line }));
}

type Token = 'break' | Span | Span[];

/** Words (which may be of several styles), the space between them, and line breaks. */
function tokens(spans: readonly Span[]): Token[] {
  const found: Token[] = [];
  for (const { text, style } of spans) {
    for (const part of text.split(/(\n| +)/)) {
      const last = found.at(-1);
      if (part === '') continue;
      if (part === '\n') found.push('break');
      else if (part.startsWith(' ')) found.push({ text: ' ', style });
      else if (Array.isArray(last)) last.push({ text: part, style });
      else found.push([{ text: part, style }]);
    }
  }
  return found;
}

/** A word as it is, or in pieces that each fit into a row. */
function pieces(word: Span[], width: number): Span[][] {
  if (spansWidth(word) <= width) return [word];
  return word.flatMap(({ text, style }) => {
    const parts: Span[][] = [];
    let rest = text;
    while (textWidth(rest) > 0) {
      const head = headOf(rest, width) || rest.slice(0, 1);
      parts.push([{ text: head, style }]);
      rest = rest.slice(head.length);
    }
    return parts;
  });
}
