import type { ReportedRun } from '../schema.ts';
import { bytesText, countText, numberText } from '../words.ts';
import { type Html, html } from './escape.ts';
import { swatch } from './matrix.ts';

const WIDTH = 900;
const HEIGHT = 34;

const MEANINGS: { readonly [name: string]: string } = {
  'pod plaintext': 'a pod’s data or address, readable: fails the claim',
  unexplained: 'neither valid ciphertext nor anything known: makes it inconclusive',
  ciphertext: 'valid messages of the encryption, of sessions that the two nodes have',
  control: 'wglab’s own packets, in plaintext on purpose, to show that the taps saw',
  'by design': 'in plaintext: nodes among themselves, and a pod to a node’s own address',
  received: 'arrived here; the sender’s own tap has it',
};

/** The ledger as a bar that adds up to all captured packets, and as a table. */
export function ledger({ ledger: { classes }, controls }: ReportedRun): Html {
  const total = classes.reduce((sum, { packets }) => sum + packets, 0);
  let x = 0;
  const parts = classes.map(({ class: name, packets }) => {
    const width = total === 0 ? 0 : (packets / total) * WIDTH;
    const part = html`<rect class="l-${slug(name)}" x="${x.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="${HEIGHT}"><title>${name}: ${packets}</title></rect>`;
    x += width;
    return part;
  });
  const rows = classes.map(
    ({ class: name, packets, bytes }) => html`<tr><td class="key">${swatch(`l-${slug(name)}`)}${name}</td>
<td class="n">${numberText(packets)}</td><td class="n">${bytesText(bytes)}</td><td class="n">${percentText(packets, total)}</td><td>${MEANINGS[name] ?? ''}</td></tr>`,
  );
  return html`<p>Every captured packet is in exactly one class: ${countText(total, 'packet')}.</p>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" role="img" aria-label="The ledger as a bar">${parts}<rect class="frame" x=".5" y=".5" width="${WIDTH - 1}" height="${HEIGHT - 1}"/></svg>
<div class="scroll"><table><tr><th scope="col">class</th><th scope="col" class="n">packets</th><th scope="col" class="n">bytes</th><th scope="col" class="n">share</th><th scope="col">what it is</th></tr>${rows}
<tr><th scope="row">all</th><td class="n">${numberText(total)}</td><td class="n">${bytesText(classes.reduce((sum, { bytes }) => sum + bytes, 0))}</td><td class="n">${percentText(total, total)}</td><td></td></tr></table></div>
<p>Negative control: ${numberText(controls.sent)} packets were sent in plaintext on purpose; ${numberText(controls.tapsThatSaw)} of ${countText(controls.taps, 'tap')} saw
all of their own. A tap that sees these would have seen others.</p>`;
}

function slug(name: string): string {
  return name.replaceAll(/[^a-z]/g, '-');
}

function percentText(part: number, total: number): string {
  return total === 0 ? '0 %' : `${((part / total) * 100).toFixed(1)} %`;
}
