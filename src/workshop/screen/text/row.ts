import { printableLines } from '../../../text/printable.ts';
import { headOf, textWidth } from '../../../text/width.ts';
import { cutToWidth, widthOf, wrapPieces } from '../../../text/wrap.ts';

/** The kinds of text; the theme says how each of them looks. */
export type Style =
  | 'plain'
  | 'strong'
  | 'emphasis'
  | 'heading'
  | 'code'
  | 'link'
  | 'dim'
  | 'command'
  | 'good'
  | 'bad'
  | 'warning'
  | 'secret'
  | 'cipher'
  | 'key'
  | 'chosen';

export interface Span {
  text: string;
  style: Style;
}

/** One row of the screen. */
export interface Row {
  spans: readonly Span[];
  /** The next row continues the same line: this one is full, and copying both yields one line. */
  continues?: boolean;
}

export const BLANK: Row = { spans: [] };

/** Returns a piece of text in a style. Text from any source cannot move the cursor or change the colours. */
export function span(text: string, style: Style = 'plain'): Span {
  return { text: printableLines(text), style };
}

export function row(...spans: (Span | string)[]): Row {
  return { spans: spans.map((one) => (typeof one === 'string' ? span(one) : one)) };
}

/** Returns a row that is no wider than that; an ellipsis shows where something was cut. */
export function cut(line: Row, width: number): Row {
  if (widthOf(line.spans) <= width) return line;
  const kept: Span[] = [];
  let room = width - 1;
  for (const { text, style } of line.spans) {
    const head = headOf(text, room);
    kept.push({ text: head, style });
    room -= textWidth(head);
    if (head !== text) break;
  }
  return { spans: [...kept, span(width > 0 ? '…' : '', 'dim')] };
}

/** Returns `left` at the left margin and `right` at the right one; if both do not fit, `left` is cut. */
export function justified(left: readonly Span[], right: readonly Span[], width: number): Row {
  const shown = cut({ spans: right }, width).spans;
  const room = width - widthOf(shown);
  const cutLeft = cut({ spans: left }, Math.max(0, room - 2)).spans;
  const gap = ' '.repeat(Math.max(0, room - widthOf(cutLeft)));
  return { spans: [...cutLeft, span(gap), ...shown] };
}

/**
 * Returns a line of text as a terminal itself would show it: broken where the row is full, at any character. The rows know that they
 * belong together, so that a command copied from the screen is one line.
 */
export function broken(text: string, style: Style, width: number): Row[] {
  const parts = text === '' ? [''] : cutToWidth(text, width);
  return parts.map((part, i) => ({ spans: [span(part, style)], ...(i < parts.length - 1 && { continues: true }) }));
}

/** Returns spans wrapped to a width, a row for each line. */
export function wrapRows(spans: readonly Span[], width: number): Row[] {
  return wrapPieces(spans, width).map((line) => ({ spans: line }));
}
