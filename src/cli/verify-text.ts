import type { ChalkInstance } from 'chalk';
import type { EvidenceResult } from '../proof/evidence/judge-evidence.ts';
import type { VerifyResult } from '../proof/result.ts';
import { table } from './terminal.ts';

/** What `verify` tells a person: each pair, what it rests on, and the verdict last, where the eye ends. */
export function verifyText(result: EvidenceResult, palette: ChalkInstance): string {
  const colours: { [observation: string]: (text: string) => string } = {
    encrypted: palette.green,
    plaintext: palette.yellow,
    mixed: palette.red,
    inconclusive: palette.magenta,
  };
  const pairs = result.pairs.map((pair) => [
    `${pair.from} → ${pair.to}`,
    (colours[pair.observation] ?? String)(pair.observation),
    pair.delivered ? 'yes' : 'no',
    String(pair.plaintextPackets),
    String(pair.ciphertextPackets),
    pair.observation === 'encrypted' || pair.observation === 'plaintext' ? '' : pair.reason,
  ]);
  const taps = result.taps.map((tap) => [
    `${tap.node} ${tap.interface}`,
    String(tap.packets),
    tap.dropped === null ? 'unknown' : String(tap.dropped),
    tap.controlSeen ? 'yes' : palette.red('no'),
  ]);
  const outside = result.outOfScope.map(({ what, packets, note, nodes }) =>
    palette.dim(`out of scope: ${nodes ? some(nodes) : what}, ${packets} packets: ${note}`),
  );
  const unprobed = result.unprobed.map(({ node, reason }) => palette.magenta(`not probed: ${node}: ${reason}`));
  const problems = result.problems.map(({ node, message }) =>
    palette.magenta(`problem: ${node ? `${node}: ` : ''}${message}`),
  );
  return `${[
    table(['FROM → TO', 'OBSERVED', 'DELIVERED', 'IN CLEAR', 'ENCRYPTED', ''], pairs),
    '',
    table(['TAP', 'PACKETS', 'DROPPED', 'CONTROL SEEN'], taps),
    ...outside,
    ...unprobed,
    ...problems,
    '',
    `evidence: ${result.evidence}`,
    `record:   sha256:${result.digest}`,
    ...signatureLine(result),
    verdictLine(result, palette),
  ].join('\n')}\n`;
}

function signatureLine({ signature }: EvidenceResult): string[] {
  if (signature === null) return [];
  const { fingerprint, signer } = signature;
  const by =
    signer === null ? `${fingerprint} (nobody said who may sign: --allowed-signers)` : `${signer}, ${fingerprint}`;
  return [`signed:   by ${by}`];
}

const NAMED = 5;

function some(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.slice(0, NAMED).join(', ') + more;
}

export function verdictLine({ verdict, summary }: VerifyResult, palette: ChalkInstance): string {
  if (verdict === null) return summary;
  const colour = { pass: palette.green, fail: palette.red, inconclusive: palette.magenta }[verdict];
  return `${colour(palette.bold(verdict.toUpperCase()))}  ${summary}`;
}
