import type { ReportedRun } from '../schema.ts';
import { countText } from '../words.ts';
import { type Html, html } from './escape.ts';

const WIDTH = 900;
const LABEL = 190;
const ROW = 16;
/** More rows than this say nothing more. */
const MOST_ROWS = 12;
const LABEL_LENGTH = 28;

/** When the taps ran, and what happened meanwhile; undefined if the evidence does not say. */
export function timeline({ timeline: { taps, steps }, startedAt, endedAt }: ReportedRun): Html | undefined {
  const bars = taps.flatMap(({ node, startedAt: from, stoppedAt }) =>
    stoppedAt === null ? [] : [{ node, from: Date.parse(from), to: Date.parse(stoppedAt) }],
  );
  if (bars.length === 0 || endedAt === null) return undefined;
  const shown = bars.slice(0, MOST_ROWS);
  const [start, end] = [Date.parse(startedAt), Math.max(Date.parse(endedAt), Date.parse(startedAt) + 1)];
  const at = (time: number) =>
    (LABEL + (Math.min(Math.max(time - start, 0), end - start) / (end - start)) * (WIDTH - LABEL)).toFixed(1);
  const marks = steps.slice(0, MOST_ROWS);
  const top = marks.length * ROW + 4;
  const height = top + shown.length * ROW + ROW;
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="The run in time">
${shown.map(
  ({ node, from, to }, i) => html`<text x="0" y="${top + i * ROW + 11}">${shortName(node)}</text>
<rect class="t-tap" x="${at(from)}" y="${top + i * ROW + 2}" width="${Math.max(1, Number(at(to)) - Number(at(from))).toFixed(1)}" height="${ROW - 5}"/>`,
)}
${marks.map(({ at: time, what }, i) => mark(at(Date.parse(time)), i, what, top + shown.length * ROW))}
<text class="soft" x="${LABEL}" y="${height - 4}">0 ms</text><text class="soft" x="${WIDTH}" y="${height - 4}" text-anchor="end">${countText(end - start, 'ms', 'ms')}</text></svg>
<p class="soft">Bars: a tap ran on this node.${bars.length > shown.length ? ` ${countText(bars.length - shown.length, 'more node')} left out of the picture.` : ''}</p>`;
}

function mark(x: string, i: number, what: string, bottom: number): Html {
  const right = Number(x) > (WIDTH + LABEL) / 2;
  return html`<path class="t-step" d="M${x} ${i * ROW + 4}V${bottom}"/><text x="${Number(x) + (right ? -4 : 4)}" y="${i * ROW + 13}"${right ? html` text-anchor="end"` : undefined}>${what}</text>`;
}

function shortName(name: string): string {
  return name.length <= LABEL_LENGTH ? name : `${name.slice(0, LABEL_LENGTH - 1)}…`;
}
