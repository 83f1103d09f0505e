import type { Observation, ReportedPair, ReportedRun } from '../schema.ts';
import { bytesText, countText, numberText, SIGNS } from '../words.ts';
import { type Html, html, Html as Markup } from './escape.ts';

/** Up to here, a table with words is still read; beyond, colour and place say more. */
const MOST_IN_TABLE = 8;
/** Beyond this, several nodes share a row: a report has a bound. */
const MOST_ROWS = 200;

/** The gravest first: it is what a cell that several pairs share shows. */
const GRAVITY: readonly Observation[] = ['plaintext', 'mixed', 'inconclusive', 'encrypted'];

/** The matrix of nodes: from, to, and what was observed. */
export function matrix(run: ReportedRun): Html {
  const nodes = [...new Set([...run.nodes, ...run.pairs.flatMap(({ from, to }) => [from, to])])];
  return nodes.length <= MOST_IN_TABLE ? table(nodes, run.pairs) : heatMap(nodes, run.pairs);
}

function table(nodes: readonly string[], pairs: readonly ReportedPair[]): Html {
  const byKey = new Map(pairs.map((pair) => [`${pair.from} ${pair.to}`, pair]));
  const rows = nodes.map(
    (from) =>
      html`<tr><th scope="row">${from}</th>${nodes.map((to) => cell(byKey.get(`${from} ${to}`), from === to))}</tr>`,
  );
  return html`<div class="scroll"><table class="matrix"><tr><th scope="col">from ↓ to →</th>${nodes.map(
    (node) => html`<th scope="col">${node}</th>`,
  )}</tr>${rows}</table></div>${legend()}`;
}

function cell(pair: ReportedPair | undefined, same: boolean): Html {
  if (same) return html`<td class="same"></td>`;
  if (!pair) return html`<td>·<br><small>not tested</small></td>`;
  const { observation, deliveredBytes, ciphertextBytes, plaintextPackets } = pair;
  const numbers =
    plaintextPackets > 0
      ? countText(plaintextPackets, 'packet')
      : `${bytesText(deliveredBytes)} in ${bytesText(ciphertextBytes)}`;
  return html`<td class="${observation}"><b>${SIGNS[observation]}</b>${observation}<br><small>${numbers}</small></td>`;
}

function legend(): Html {
  return html`<p class="soft">${SIGNS.encrypted} encrypted (bytes delivered in bytes of ciphertext) · ${SIGNS.plaintext} plaintext ·
${SIGNS.mixed} both · ${SIGNS.inconclusive} inconclusive</p>`;
}

const SIZE = 640;
const MARGIN = 24;

function heatMap(nodes: readonly string[], pairs: readonly ReportedPair[]): Html {
  const share = Math.ceil(nodes.length / MOST_ROWS);
  const rows = Math.ceil(nodes.length / share);
  const cells = worstOf(nodes, pairs, share, rows);
  const side = SIZE / rows;
  const paths = GRAVITY.map(
    (observation, i) => html`<path class="m-${observation}" d="${runs(cells, rows, i, side)}"/>`,
  );
  const sharing = share > 1 ? ` Each cell stands for ${share} × ${share} pairs of nodes and shows the gravest.` : '';
  return html`<svg viewBox="0 0 ${SIZE + MARGIN} ${SIZE + MARGIN}" width="${SIZE + MARGIN}" role="img" aria-label="Matrix of ${nodes.length} nodes">
<defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V4"/></pattern></defs>
<text x="${MARGIN}" y="14">to → (${numberText(nodes.length)} nodes, in the order of the list below)</text>
<text transform="translate(14 ${SIZE + MARGIN}) rotate(-90)">from →</text>
<g transform="translate(${MARGIN} ${MARGIN})"><rect class="frame" width="${SIZE}" height="${SIZE}"/>${paths}</g></svg>
<p class="key soft">${GRAVITY.map((observation) => html`${swatch(`m-${observation}`)}${observation} ${SIGNS[observation]} &#160; `)}empty: not tested.${sharing}</p>`;
}

/** A square of a colour, for legends. */
export function swatch(className: string): Html {
  return html`<svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true"><rect class="${className}" width="12" height="12"/><rect class="frame" x=".5" y=".5" width="11" height="11"/></svg>`;
}

/** For each cell, row by row, the index in GRAVITY of the gravest observation, plus 1; 0 if there is none. */
function worstOf(nodes: readonly string[], pairs: readonly ReportedPair[], share: number, rows: number): Uint8Array {
  const index = new Map(nodes.map((node, i) => [node, Math.floor(i / share)]));
  const cells = new Uint8Array(rows * rows);
  for (const { from, to, observation } of pairs) {
    const at = (index.get(from) ?? 0) * rows + (index.get(to) ?? 0);
    const gravity = GRAVITY.indexOf(observation) + 1;
    cells[at] = cells[at] === 0 ? gravity : Math.min(cells[at] ?? gravity, gravity);
  }
  return cells;
}

/** The cells of one observation as one path; what lies side by side in a row is one rectangle. */
function runs(cells: Uint8Array, rows: number, gravity: number, side: number): Html {
  const text: string[] = [];
  const at = (n: number) => Number((n * side).toFixed(2));
  for (let row = 0; row < rows; row += 1) {
    for (let start = 0; start < rows; start += 1) {
      if (cells[row * rows + start] !== gravity + 1) continue;
      let end = start + 1;
      while (end < rows && cells[row * rows + end] === gravity + 1) end += 1;
      text.push(`M${at(start)} ${at(row)}H${at(end)}V${at(row + 1)}H${at(start)}Z`);
      start = end;
    }
  }
  return new Markup(text.join(''));
}
