import type { EvidenceResult } from '../../../proof/evidence/judge-evidence.ts';
import type { LedgerLine } from '../../../proof/ledger-lines.ts';
import type { PairObservation } from '../../../proof/observe.ts';
import { oneLine } from '../../../proof/one-line.ts';
import type { VerifyResult } from '../../../proof/result.ts';
import type { Palette } from '../../../text/style.ts';
import { table } from '../../../text/table.ts';

/** How many pairs are printed; `-o json` has all. */
const MOST_PAIRS = 200;

/** How many kinds of packets are printed without `--ledger`. */
const SHORT_LEDGER = 8;

/** How many names are written out. */
const NAMED = 5;

/** Prints what `verify` observed: each pair, the taps, the ledger, what was not tested, and the verdict last, where the eye ends. */
export function verifyText(result: EvidenceResult, palette: Palette): string {
  return `${[
    pairsText(result, palette),
    '',
    tapsText(result, palette),
    '',
    ...shortLedger(result, palette),
    ...limits(result, palette),
    '',
    `evidence: ${oneLine(result.evidence)}`,
    `record:   sha256:${result.digest}`,
    ...signatureLine(result),
    verdictLine(result, palette),
  ].join('\n')}\n`;
}

function signatureLine({ signature }: EvidenceResult): string[] {
  if (signature === null) return [];
  const { fingerprint, signer } = signature;
  const by = signer === null ? `${fingerprint} (no --allowed-signers says who may sign)` : `${signer}, ${fingerprint}`;
  return [`signed:   by ${oneLine(by)}`];
}

/** Prints the whole ledger, and the verdict. */
export function ledgerText(result: VerifyResult, palette: Palette): string {
  const { ledger, taps } = result;
  const packets = sum(ledger, (line) => line.packets);
  const captured = sum(taps, (tap) => tap.packets);
  return `${[
    table(LEDGER_HEADINGS, ledger.map(ledgerRow(palette))),
    '',
    `${packets} packets in the ledger, ${captured} in the captures of ${taps.length} taps`,
    verdictLine(result, palette),
  ].join('\n')}\n`;
}

export function verdictLine({ verdict, summary }: VerifyResult, palette: Palette): string {
  if (verdict === null) return oneLine(summary);
  const colour = { pass: palette.green, fail: palette.red, inconclusive: palette.magenta }[verdict];
  return `${colour(palette.bold(verdict.toUpperCase()))}  ${oneLine(summary)}`;
}

function pairsText({ pairs, pairsJudged }: VerifyResult, palette: Palette): string {
  const colours: { [observation: string]: (text: string) => string } = {
    encrypted: palette.green,
    plaintext: palette.yellow,
    mixed: palette.red,
    inconclusive: palette.magenta,
  };
  const shown = worstFirst(pairs);
  const rows = shown.map((pair) => [
    `${pair.from} → ${pair.to}`,
    (colours[pair.observation] ?? String)(pair.observation),
    pair.delivered ? 'yes' : 'no',
    String(pair.plaintextPackets),
    String(pair.ciphertextPackets),
    pair.observation === 'encrypted' || pair.observation === 'plaintext' ? '' : pair.reason,
  ]);
  const left = pairsJudged - shown.length;
  const more = left > 0 ? `\n… and ${left} more pairs; -o json lists up to ${pairs.length}` : '';
  return table(['FROM → TO', 'OBSERVED', 'DELIVERED', 'PLAINTEXT', 'CIPHERTEXT', ''], rows) + more;
}

/** In their own order, unless there are too many: then what is not encrypted comes first. */
function worstFirst(pairs: readonly PairObservation[]): readonly PairObservation[] {
  if (pairs.length <= MOST_PAIRS) return pairs;
  const worst: PairObservation[] = [];
  const rest: PairObservation[] = [];
  for (const pair of pairs) {
    const list = pair.observation === 'encrypted' && pair.plaintextPackets === 0 ? rest : worst;
    if (list.length < MOST_PAIRS) list.push(pair);
  }
  return [...worst, ...rest].slice(0, MOST_PAIRS);
}

function tapsText({ taps }: VerifyResult, palette: Palette): string {
  const rows = taps
    .slice(0, MOST_PAIRS)
    .map((tap) => [
      `${tap.node} ${tap.interface}`,
      String(tap.packets),
      tap.dropped === null ? 'unknown' : String(tap.dropped),
      tap.controlSeen ? 'yes' : palette.red('no'),
    ]);
  const left = taps.length - rows.length;
  return table(['TAP', 'PACKETS', 'DROPPED', 'CONTROL SEEN'], rows) + (left > 0 ? `\n… and ${left} more taps` : '');
}

const LEDGER_HEADINGS = ['CLASS', 'WHAT', 'FROM → TO', 'PROTOCOL', 'PACKETS', 'BYTES', 'EXAMPLE'];

function ledgerRow(palette: Palette) {
  return ({ class: kind, what, from, to, protocol, port, packets, bytes, example }: LedgerLine): string[] => [
    colourOf(kind, palette)(kind),
    oneLine(what),
    from === null && to === null ? '' : `${from ?? '…'} → ${to ?? '…'}`,
    [protocol, port].filter((each) => each !== null).join(' '),
    String(packets),
    String(bytes),
    `${example.tap} ${example.frame}`,
  ];
}

/** Returns each class with its most frequent kinds of packets, counted over all nodes. */
function shortLedger({ ledger }: VerifyResult, palette: Palette): string[] {
  const kinds = new Map<string, { line: LedgerLine; packets: number; bytes: number }>();
  for (const line of ledger) {
    const key = `${line.class}\0${line.what}`;
    const kind = kinds.get(key) ?? { line, packets: 0, bytes: 0 };
    kinds.set(key, { ...kind, packets: kind.packets + line.packets, bytes: kind.bytes + line.bytes });
  }
  const all = [...kinds.values()];
  const rows = all.slice(0, SHORT_LEDGER).map(({ line, packets, bytes }) => {
    const inPlaintext = line.class === 'by design' ? ', in plaintext' : '';
    return [
      colourOf(line.class, palette)(line.class),
      oneLine(line.what) + inPlaintext,
      String(packets),
      String(bytes),
    ];
  });
  const left = all.length - rows.length;
  const more = left > 0 ? [palette.dim(`… and ${left} more kinds: wglab verify --ledger`)] : [];
  return [table(['LEDGER', 'WHAT', 'PACKETS', 'BYTES'], rows), ...more];
}

function colourOf(kind: LedgerLine['class'], palette: Palette): (text: string) => string {
  if (kind === 'pod plaintext') return palette.red;
  if (kind === 'unexplained') return palette.magenta;
  return kind === 'ciphertext' ? palette.green : palette.dim;
}

function limits({ outOfScope, unprobed, untested, problems }: VerifyResult, palette: Palette): string[] {
  const notChosen = outOfScope.filter(({ nodes }) => nodes !== undefined);
  return [
    ...notChosen.map(({ nodes = [], packets, note }) =>
      palette.dim(`not chosen: ${some(nodes)}, ${packets} packets: ${oneLine(note)}`),
    ),
    ...unprobed
      .slice(0, MOST_PAIRS)
      .map(({ node, reason }) => palette.magenta(`not probed: ${node}: ${oneLine(reason)}`)),
    ...untested.slice(0, MOST_PAIRS).map((note) => palette.magenta(oneLine(note))),
    ...problems
      .slice(0, MOST_PAIRS)
      .map(({ node, message }) => palette.magenta(`problem: ${node ? `${node}: ` : ''}${oneLine(message)}`)),
  ];
}

function some(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.slice(0, NAMED).join(', ') + more;
}

function sum<T>(values: readonly T[], number: (value: T) => number): number {
  return values.reduce((total, value) => total + number(value), 0);
}
