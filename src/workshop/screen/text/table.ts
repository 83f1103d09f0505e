import { inlineSpans } from './inline.ts';
import { type Row, type Span, span, spansWidth } from './row.ts';
import { wrap } from './wrap.ts';

const GAP = 2;
const NARROWEST_COLUMN = 6;

/** A Markdown table with its columns aligned; where it is too wide, the widest columns give way and their text is wrapped. */
export function tableRows(lines: readonly string[], width: number): Row[] {
  const cells = lines.filter((line) => !DELIMITERS.test(line)).map(cellsOf);
  const hasHead = DELIMITERS.test(lines[1] ?? '');
  const spans = cells.map((line, i) => line.map((cell) => inlineSpans(cell, hasHead && i === 0 ? 'strong' : 'plain')));
  const columns = Math.max(...spans.map((line) => line.length));
  const natural = Array.from({ length: columns }, (_, i) =>
    Math.max(1, ...spans.map((line) => spansWidth(line[i] ?? []))),
  );
  const widths = fitted(natural, width - GAP * (columns - 1));
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

function fitted(natural: readonly number[], room: number): number[] {
  const widths = [...natural];
  for (let over = sum(widths) - room; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths));
    const now = widths[widest] ?? 0;
    if (now <= NARROWEST_COLUMN) break;
    widths[widest] = now - 1;
  }
  return widths;
}

function rowsOf(cells: readonly Span[][], widths: readonly number[]): Row[] {
  const wrapped = widths.map((width, i) => wrap(cells[i] ?? [], width));
  const height = Math.max(...wrapped.map((rows) => rows.length));
  return Array.from({ length: height }, (_, y) => ({
    spans: widths.flatMap((width, x) => {
      const spans = wrapped[x]?.[y]?.spans ?? [];
      const last = x === widths.length - 1;
      return last ? spans : [...spans, span(' '.repeat(width - spansWidth(spans) + GAP))];
    }),
  }));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
