import { escapeMarkdown, markdownCode, workflowMessage, workflowProperty } from '../text/escape.ts';
import type { SmokeResult } from './smoke.ts';

/** A step summary in Markdown: the verdict first, then what it rests on. */
export function stepSummary({ lab, engine, verdict, phases, seconds }: SmokeResult): string {
  const mark = { pass: '✅', fail: '❌', inconclusive: '❔', error: '💥' };
  const rows = phases.map(
    (phase) =>
      `| ${mark[phase.verdict]} ${escapeMarkdown(phase.name)} | ${phase.seconds.toFixed(1)} s | ${escapeMarkdown(phase.detail)} |`,
  );
  return [
    `### ${mark[verdict]} wglab smoke: ${verdict}`,
    '',
    `Lab ${markdownCode(lab)} on the engine ${markdownCode(engine)}, ${seconds.toFixed(1)} s.`,
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
    .map(
      ({ name, verdict, detail }) =>
        `::error title=${workflowProperty(`wglab ${name}: ${verdict}`)}::${workflowMessage(detail)}\n`,
    )
    .join('');
}
