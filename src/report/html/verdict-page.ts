import type { Report, ReportedRun } from '../schema.ts';
import { checkCommand, claimText, countText, someOf, timeText } from '../words.ts';
import { type Html, html } from './escape.ts';

/** How many names a line lists. */
const NAMED = 12;

/** Page 1, for the person who signs: the verdict, what it is about, and what it is not about. */
export function verdictPage(report: Report): Html {
  const { run, before } = report;
  return html`<section class="page">
<h1>Is the traffic between the nodes encrypted?</h1>
${verdictBar(run)}
<p><b>Claim:</b> ${claimText(run)}</p>
<p><b>Verdict:</b> ${run.summary}</p>
${before ? html`<p>Compared with an earlier run (${timeText(before.startedAt)}): ${before.headline}.</p>` : undefined}
${facts(run)}
<h2>Scope</h2>
${scope(run)}
<h2>What this does not prove</h2>
<ul>${report.limits.map((limit) => html`<li>${limit}</li>`)}</ul>
${standards(report)}
<h2>Check it again</h2>
<p>The record of this run has the SHA-256 digest <code>${run.evidence.digest}</code>. It must be the digest that wglab
printed with the verdict. ${signature(run)}</p>
<code class="cmd">${checkCommand(run)}</code>
</section>
`;
}

/** The verdict in a bar that is seen from across the room. */
export function verdictBar({ verdict, headline, evidence }: ReportedRun): Html {
  const changed = evidence.changes.map(({ file, reason }) => html`<br>${file}: ${reason}`);
  return html`<div class="bar ${verdict ?? 'none'}" role="status"><b>${headline}</b>${words(verdict)}${changed}</div>`;
}

function words(verdict: ReportedRun['verdict']): string {
  if (verdict === 'pass') return 'The claim holds.';
  if (verdict === 'fail') return 'The claim does not hold.';
  return verdict === null ? 'No claim was made.' : 'It cannot be known from this evidence.';
}

function facts(run: ReportedRun): Html {
  const { cluster, runner } = run;
  const rows: [string, string | null][] = [
    ['Cluster', [cluster.name ?? run.lab, cluster.server].filter(Boolean).join(', ')],
    ['API server’s CA', cluster.caSha256 === null ? null : `SHA-256 ${cluster.caSha256}`],
    ['kube-system UID', cluster.kubeSystemUid],
    ['Encryption by', run.cni],
    ['Time', [timeText(run.startedAt), run.endedAt === null ? [] : timeText(run.endedAt)].flat().join(' to ')],
    ['Run by', runner === null ? null : `${runner.user} on ${runner.host}`],
    ...run.versions.map(({ name, values }): [string, string] => [name, someOf(values, 4)]),
  ];
  return html`<table class="facts">${rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value ?? 'not recorded'}</td></tr>`,
  )}</table>`;
}

function scope(run: ReportedRun): Html {
  const { counts } = run;
  const sample =
    counts.of > counts.pairs ? ` This is a sample of ${countText(counts.of, 'pair')}, drawn at random.` : '';
  return html`<ul>
<li>Tested: ${countText(counts.pairs, 'ordered pair')} of ${countText(run.nodes.length, 'node')}: ${someOf(run.nodes, NAMED)}.${sample}</li>
${leftOut('Not probed', run.notProbed)}${leftOut('Left out on purpose', run.notChosen)}
${run.notTried.map((what) => html`<li>Not tested: ${what}</li>`)}
</ul>`;
}

function leftOut(what: string, nodes: ReportedRun['notProbed']): Html | undefined {
  if (nodes.length === 0) return undefined;
  const reasons = new Map<string, string[]>();
  for (const { node, reason } of nodes) reasons.set(reason, [...(reasons.get(reason) ?? []), node]);
  return html`${[...reasons].slice(0, NAMED).map(([reason, names]) => html`<li>${what}: ${someOf(names, NAMED)} (${reason})</li>`)}`;
}

function standards({ standards: named }: Report): Html | undefined {
  if (named.length === 0) return undefined;
  return html`<h2>Controls that this run is meant for</h2>
<p>Named by the person who ran it; wglab does not judge whether they are met.</p>
<ul>${named.map((standard) => html`<li>${standard}</li>`)}</ul>`;
}

function signature({ evidence: { signature: signed } }: ReportedRun): string {
  if (signed === null) return 'Nobody signed it.';
  return signed.signer === null
    ? `It is signed with the key ${signed.fingerprint}; whose key that is was not checked.`
    : `It is signed by ${signed.signer} (${signed.fingerprint}).`;
}
