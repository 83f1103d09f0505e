import { fittedColumns } from '../../../text/table.ts';
import { widthOf } from '../../../text/wrap.ts';
import { inlineSpans } from './inline.ts';
import { type Row, type Span, span, wrapRows } from './row.ts';

const GAP = 2;

/** Returns a Markdown table with its columns aligned; if it is too wide, the widest columns shrink and their text is wrapped. */
export function tableRows(lines: readonly string[], width: number): Row[] {
  const cells = lines.filter((line) => !DELIMITERS.test(line)).map(cellsOf);
  const hasHead = DELIMITERS.test(lines[1] ?? '');
  const spans = cells.map((line, i) => line.map((cell) => inlineSpans(cell, hasHead && i === 0 ? 'strong' : 'plain')));
  const columns = Math.max(...spans.map((line) => line.length));
  const natural = Array.from({ length: columns }, (_, i) =>
    Math.max(1, ...spans.map((line) => widthOf(line[i] ?? []))),
  );
  const widths = fittedColumns(natural, width - GAP * (columns - 1));
  return spans.flatMap((line) => rowsOf(line, widths));
}

const DELIMITERS = /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/;

/** A `|` inside of code or after a backslash is no border. */
function cellsOf(line: string): string[] {
  const inside = line.trim().replace(/^\||\|$/g, '');
  const cells = inside.match(/(?:\\.|`[^`]*`|[^|])*(?:\||$)/g) ?? [];
  return cells
    .map((cell) => cell.replace(/\|$/, '').replaceAll('\\|', '|').trim())
    .slice(0, inside === '' ? 1 : cells.length - 1);
}

function rowsOf(cells: readonly Span[][], widths: readonly number[]): Row[] {
  const wrapped = widths.map((width, i) => wrapRows(cells[i] ?? [], width));
  const height = Math.max(...wrapped.map((rows) => rows.length));
  return Array.from({ length: height }, (_, y) => ({
    spans: widths.flatMap((width, x) => {
      const spans = wrapped[x]?.[y]?.spans ?? [];
      const last = x === widths.length - 1;
      return last ? spans : [...spans, span(' '.repeat(width - widthOf(spans) + GAP))];
    }),
  }));
}
