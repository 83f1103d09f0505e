import type { SmokeResult } from './smoke.ts';

/** A step summary in Markdown: the verdict first, then what it rests on. */
export function stepSummary({ lab, engine, verdict, phases, seconds }: SmokeResult): string {
  const mark = { pass: '✅', fail: '❌', inconclusive: '❔', error: '💥' };
  const rows = phases.map(
    (phase) => `| ${mark[phase.verdict]} ${phase.name} | ${phase.seconds.toFixed(1)} s | ${cell(phase.detail)} |`,
  );
  return [
    `### ${mark[verdict]} wglab smoke: ${verdict}`,
    '',
    `Lab \`${lab}\` on the engine \`${engine}\`, ${seconds.toFixed(1)} s.`,
    '',
    '| phase | time | what was seen |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** Workflow commands that annotate what did not pass. GitHub shows ten of a kind for a step; a smoke run has fewer phases. */
export function annotations({ phases }: SmokeResult): string {
  const bad = phases.filter(({ verdict }) => verdict !== 'pass');
  return bad
    .map(({ name, verdict, detail }) => `::error title=${property(`wglab ${name}: ${verdict}`)}::${message(detail)}\n`)
    .join('');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, '<br>');
}

function message(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
