import { headOf, textWidth } from './width.ts';

/** What a piece of text is; how that looks is the theme's to say. */
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
  /** The next row is the rest of the same line: this one is full, and who copies both gets one line. */
  continues?: boolean;
}

export const BLANK: Row = { spans: [] };

export function span(text: string, style: Style = 'plain'): Span {
  return { text, style };
}

export function row(...spans: (Span | string)[]): Row {
  return { spans: spans.map((one) => (typeof one === 'string' ? span(one) : one)) };
}

export function spansWidth(spans: readonly Span[]): number {
  return spans.reduce((width, { text }) => width + textWidth(text), 0);
}

/** A row that is no wider than that; where something had to go, an ellipsis says so. */
export function cut(line: Row, width: number): Row {
  if (spansWidth(line.spans) <= width) return line;
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

/** `left` at the left margin and `right` at the right one; where both do not fit, it is `left` that is cut. */
export function justified(left: readonly Span[], right: readonly Span[], width: number): Row {
  const shown = cut({ spans: right }, width).spans;
  const room = width - spansWidth(shown);
  const cutLeft = cut({ spans: left }, Math.max(0, room - 2)).spans;
  const gap = ' '.repeat(Math.max(0, room - spansWidth(cutLeft)));
  return { spans: [...cutLeft, span(gap), ...shown] };
}

/**
 * A line of text as a terminal itself would show it: broken where the row is full, whatever stands there. The rows know
 * that they belong together, so that a command that is copied from the screen is whole.
 */
export function broken(text: string, style: Style, width: number): Row[] {
  const rows: Row[] = [];
  let rest = text;
  while (textWidth(rest) > width) {
    const head = headOf(rest, width) || rest.slice(0, 1);
    rows.push({ spans: [span(head, style)], continues: true });
    rest = rest.slice(head.length);
  }
  return [...rows, row(span(rest, style))];
}
