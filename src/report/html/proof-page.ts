import type { Report, ReportedRun } from '../schema.ts';
import { timeText } from '../words.ts';
import { type Html, html } from './escape.ts';
import { ledger } from './ledger.ts';
import { matrix } from './matrix.ts';
import { timeline } from './timeline.ts';

function matrixOf(run: ReportedRun, title: string): Html {
  return html`<div><h3>${title}, ${timeText(run.startedAt)}: ${run.headline}</h3>${matrix(run)}</div>`;
}

/** Page 2: what was seen between which nodes, and the account of all packets. */
export function proofPage({ run, before }: Report): Html {
  const line = timeline(run);
  return html`<section class="page">
<h2>What was seen between the nodes</h2>
<div class="cols">${before ? matrixOf(before, 'Before') : undefined}${matrixOf(run, before ? 'After' : 'This run')}</div>
<h2>The ledger</h2>
${ledger(run)}
${line ? html`<h2>The run</h2>${line}` : undefined}
</section>
`;
}
