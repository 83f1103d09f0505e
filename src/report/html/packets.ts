import type { ReportedPacket, ReportedRun } from '../schema.ts';
import { type Html, html } from './escape.ts';

const TITLES = {
  plaintext: 'A packet in plaintext',
  ciphertext: 'A packet of ciphertext',
  control: 'A control packet, in plaintext on purpose',
};

/** A few packets of the runs, explained side by side. */
export function packets(run: ReportedRun, before: ReportedRun | null): Html | undefined {
  const readable = [...(before?.packets ?? []), ...run.packets].filter(({ kind }) => kind !== 'ciphertext');
  const plaintext = readable.find(({ kind }) => kind === 'plaintext') ?? readable[0];
  const ciphertext = run.packets.find(({ kind }) => kind === 'ciphertext');
  const shown = [plaintext, ciphertext].flatMap((each) => each ?? []);
  if (shown.length === 0) return undefined;
  return html`<div class="cols">${shown.map(packet)}</div>`;
}

function packet({ kind, from, to, file, frame, description, layers }: ReportedPacket): Html {
  return html`<div><h3>${TITLES[kind]}: ${from} → ${to}</h3>
<p><small>packet ${frame} of ${file}: ${description}</small></p>
${layers.map(
  ({
    name,
    about,
    fields,
    text,
  }) => html`<p><b>${name}</b>${about === '' ? undefined : html` <small>${about}</small>`}<br>
<small class="mono">${fields.map((field) => `${field.name} ${field.value}`).join(' · ')}</small></p>${text === null ? undefined : html`<pre>${text.join('\n')}</pre>`}`,
)}</div>`;
}
