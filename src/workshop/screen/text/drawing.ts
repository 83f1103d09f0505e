import { widthOf } from '../../../text/wrap.ts';
import type { Row } from './row.ts';
import { painted } from './theme.ts';

/**
 * Returns the text that makes a terminal of so many columns show `rows` instead of `before`; everything if `before` is undefined.
 * Rows that belong to one line are written without a break, so that the terminal also copies them as one line.
 */
export function drawing(
  before: readonly Row[] | undefined,
  rows: readonly Row[],
  columns: number,
  colours: boolean,
): string {
  const was = new Map(lines(before ?? [], columns, colours).map(({ top, text }) => [top, text]));
  const written = lines(rows, columns, colours)
    .filter(({ top, text }) => was.get(top) !== text)
    .map(({ top, text }) => `\u001b[${top + 1};1H${text}`)
    .join('');
  if (written === '') return '';
  // Terminals that know "synchronized output" (2026) show it all at once; the others ignore that.
  return `\u001b[?2026h${before ? '' : '\u001b[2J'}${written}\u001b[?2026l`;
}

interface Line {
  top: number;
  text: string;
}

function lines(rows: readonly Row[], columns: number, colours: boolean): Line[] {
  const found: Line[] = [];
  let open: Line | undefined;
  for (const [top, row] of rows.entries()) {
    const full = widthOf(row.spans) >= columns;
    // In the column after the last one, erasing would take the last character.
    const text = painted(row, colours) + (full ? '' : '\u001b[K');
    if (open) open.text += text;
    else found.push({ top, text });
    const last = open ?? found.at(-1);
    open = row.continues && full ? last : undefined;
  }
  return found;
}
