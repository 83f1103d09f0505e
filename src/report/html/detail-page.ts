import type { Report, ReportedRun } from '../schema.ts';
import { countText, numberText, SIGNS, timeText } from '../words.ts';
import { type Html, html } from './escape.ts';
import { packets } from './packets.ts';

/** A table that is longer is folded, and left out on paper. */
const OPEN_ROWS = 24;
/** A table has no more rows; report.json has them all. */
const MOST_ROWS = 1_000;

/** Page 3: every pair that is not encrypted, keys, taps, plaintext by design, what was not tested, and what packets look like. */
export function detailPage({ run, before }: Report): Html {
  const shown = packets(run, before);
  return html`<section class="page">
<h2>Pairs that are not encrypted</h2>
${notEncrypted(run)}
<h2>Keys</h2>
${table(['node', 'interface', 'published = on the device', 'peers', 'latest handshake'], run.keys.map(keyRow))}
<h2>Taps</h2>
${table(
  ['node', 'interface', 'direction', '#packets', '#dropped', 'saw its controls', 'ended'],
  run.taps.map(({ node, interface: device, direction, packets, dropped, controlSeen, exit }) => [
    node,
    device,
    direction,
    numberText(packets),
    dropped === null ? 'unknown' : numberText(dropped),
    controlSeen ? 'yes' : 'no',
    exit,
  ]),
)}
<h2>In plaintext, by design</h2>
${byDesign(run)}
${run.notTried.length > 0 ? html`<h2>Not tested</h2><ul>${run.notTried.map((what) => html`<li>${what}</li>`)}</ul>` : undefined}
${run.problems.length > 0 ? html`<h2>Problems of the run</h2><ul>${run.problems.slice(0, MOST_ROWS).map(({ node, message }) => html`<li>${node === null ? '' : `${node}: `}${message}</li>`)}</ul>` : undefined}
${shown ? html`<h2>What such a packet looks like</h2>${shown}` : undefined}
</section>
`;
}

function notEncrypted({ pairs }: ReportedRun): Html {
  const others = pairs.filter(({ observation }) => observation !== 'encrypted');
  if (others.length === 0) return html`<p>None: all ${countText(pairs.length, 'pair')} are encrypted.</p>`;
  return html`${table(
    ['from', 'to', 'observed', 'reason'],
    others.map(({ from, to, observation, reason }) => [from, to, `${SIGNS[observation]} ${observation}`, reason]),
  )}<p><code>wglab diagnose</code> walks the chain from kernel to handshake on each node, and names the broken link with its remedy.</p>`;
}

function keyRow({
  node,
  interface: device,
  published,
  device: own,
  peers,
  latestHandshake,
}: ReportedRun['keys'][number]) {
  const same =
    published === null || own === null
      ? `not known (published ${published ?? 'none'}, on the device ${own ?? 'none'})`
      : published === own
        ? `yes: ${published}`
        : `NO: published ${published}, on the device ${own}`;
  return [
    node,
    device,
    same,
    peers === null ? 'unknown' : numberText(peers),
    latestHandshake === null ? 'none' : timeText(latestHandshake),
  ];
}

function byDesign({ ledger }: ReportedRun): Html {
  const lines = ledger.lines.filter((line) => line.class === 'by design');
  if (lines.length === 0) return html`<p>No such packet was captured.</p>`;
  return table(
    ['from', 'to', 'what', 'protocol', '#port', '#packets'],
    lines.map(({ from, to, what, protocol, port, packets }) => [
      from ?? '',
      to ?? '',
      what,
      protocol ?? '',
      port === null ? '' : String(port),
      numberText(packets),
    ]),
  );
}

/** A table; a column whose title begins with # holds numbers. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): Html {
  if (rows.length === 0) return html`<p>None.</p>`;
  const number = titles.map((title) => title.startsWith('#'));
  const classOf = (i: number) => (number[i] ? html` class="n"` : undefined);
  const body = html`<div class="scroll"><table><tr>${titles.map((title, i) => html`<th scope="col"${classOf(i)}>${title.replace('#', '')}</th>`)}</tr>
${rows.slice(0, MOST_ROWS).map((row) => html`<tr>${row.map((value, i) => html`<td${classOf(i)}>${value}</td>`)}</tr>\n`)}</table></div>`;
  const more = rows.length - MOST_ROWS;
  const note = more > 0 ? html`<p>${numberText(more)} more are in report.json.</p>` : undefined;
  if (rows.length <= OPEN_ROWS) return html`${body}${note}`;
  return html`<details><summary>${numberText(rows.length)} rows</summary>${body}${note}</details>`;
}
