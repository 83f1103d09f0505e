import type { Row, Summary } from './measure.ts';

/** The rows as Markdown: medians, with the smallest and the largest in brackets. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.measure,
    show(row.wglab, row.unit),
    row.against ? `${row.against.what}: ${show(row.against.summary, row.unit)}` : '',
    row.ratio ? `${range(row.ratio, (value) => value.toFixed(2))} ×${row.ratio.faster ? ' as fast' : ''}` : '',
    row.reach ?? '',
    row.reached === undefined ? '' : row.reached ? 'yes' : '**no**',
  ]);
  const headings = ['measure', 'wglab', 'against', 'ratio', 'reach', 'reached'];
  return [headings, headings.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function show(summary: Summary, unit: Row['unit']): string {
  return `${range(summary, digits)} ${unit}`;
}

function range({ median, min, max, samples }: Summary, text: (value: number) => string): string {
  return samples.length > 1 ? `${text(median)} (${text(min)}–${text(max)})` : text(median);
}

/** Three digits that count. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
