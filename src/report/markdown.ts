import type { Report, ReportedRun } from './schema.ts';
import { checkCommand, claimText, numberText, SIGNS, timeText } from './words.ts';

const MARKS = { pass: '✅', fail: '❌', inconclusive: '❔' } as const;
/** A table of more nodes is not read. */
const MOST_NODES = 12;
const MOST_ROWS = 20;

/** Returns the report as Markdown, for a pipeline's summary or a comment. */
export function summaryMarkdown({ run, before, standards }: Report): string {
  return [
    ...runLines(run),
    ...(before ? ['', md`### Before: ${before.headline}`, '', ...matrixLines(before)] : []),
    ...(standards.length > 0 ? ['', md`Meant for: ${standards.join(', ')} (named by the person who ran it).`] : []),
    '',
    md`Record sha256:${run.evidence.digest}; check it again with: ${checkCommand(run)}`,
    '',
  ].join('\n');
}

function runLines(run: ReportedRun): string[] {
  const against = run.pairs.filter(({ observation }) => observation !== (run.claim ?? 'encrypted'));
  const more = against.length - MOST_ROWS;
  return [
    md`### ${run.verdict === null ? 'ℹ️' : MARKS[run.verdict]} ${run.headline}`,
    '',
    md`Claim: ${claimText(run)} Verdict: ${run.summary}`,
    '',
    md`${timeText(run.startedAt)}, engine ${run.engine}, ${numberText(run.nodes.length)} nodes.`,
    ...run.evidence.changes.map(({ file, reason }) => md`- the evidence changed: ${file}: ${reason}`),
    '',
    ...matrixLines(run),
    ...(against.length > 0 ? ['', '| from | to | observed | reason |', '| --- | --- | --- | --- |'] : []),
    ...against
      .slice(0, MOST_ROWS)
      .map((pair) => row([pair.from, pair.to, `${SIGNS[pair.observation]} ${pair.observation}`, pair.reason])),
    ...(more > 0 ? [row(['…', `${numberText(more)} more`, '', ''])] : []),
    ...(run.notTried.length > 0
      ? ['', ...run.notTried.slice(0, MOST_ROWS).map((what) => md`- not tested: ${what}`)]
      : []),
  ];
}

function matrixLines({ nodes, pairs, counts }: ReportedRun): string[] {
  if (nodes.length > MOST_NODES) {
    const kinds = ['encrypted', 'plaintext', 'mixed', 'inconclusive'] as const;
    const parts = kinds.map((kind) => `${numberText(counts[kind])} ${kind}`);
    return [md`${numberText(counts.pairs)} pairs: ${parts.join(', ')}.`];
  }
  const signs = new Map(pairs.map(({ from, to, observation }) => [`${from} ${to}`, SIGNS[observation]]));
  const sign = (from: string, to: string) => (from === to ? '' : (signs.get(`${from} ${to}`) ?? '·'));
  return [
    row(['from ↓ to →', ...nodes]),
    `| --- |${nodes.map(() => ' :-: |').join('')}`,
    ...nodes.map((from) => row([from, ...nodes.map((to) => sign(from, to))])),
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(escapeMarkdown).join(' | ')} |`;
}

/** Builds a line of Markdown; every value is text. */
function md(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.map((part, i) => (i === 0 ? part : escapeMarkdown(values[i - 1] ?? '') + part)).join('');
}

/** Text from a cluster becomes neither markup nor the end of a cell. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replace(/[\\`*_{}[\]<>|#&]/g, (character) => (character === '<' ? '&lt;' : `\\${character}`));
}
