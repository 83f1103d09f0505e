import { printable } from './printable.ts';
import { mapUnstyled } from './style.ts';
import { padTo, shorten, textWidth } from './width.ts';

const GAP = 3;
const NARROW_GAP = 2;
/** A column that gives way to others is never narrower than this. */
export const NARROWEST_COLUMN = 6;

/**
 * Returns columns of text under their headings, as kubectl prints tables. With a width, the widest columns give way until the table
 * fits, and what is cut ends in an ellipsis. A cell is always on one line.
 */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], width?: number): string {
  const cells = [headings, ...rows].map((row) => headings.map((_, i) => mapUnstyled(row[i] ?? '', printable)));
  const natural = headings.map((_, i) => Math.max(...cells.map((row) => textWidth(row[i] ?? ''))));
  const between = headings.length - 1;
  const fits = width === undefined || sum(natural) + GAP * between <= width;
  const gap = ' '.repeat(fits ? GAP : NARROW_GAP);
  const widths = fits ? natural : fittedColumns(natural, width - NARROW_GAP * between);
  return cells
    .map((row) =>
      row
        .map((cell, i) => padTo(shorten(cell, widths[i] ?? 0), widths[i] ?? 0))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

/** Returns widths of columns that take no more room than there is: the widest give way first, down to a smallest width. */
export function fittedColumns(natural: readonly number[], room: number): number[] {
  const widths = [...natural];
  for (let over = sum(widths) - room; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths));
    const now = widths[widest] ?? 0;
    if (now <= NARROWEST_COLUMN) break;
    widths[widest] = now - 1;
  }
  return widths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
