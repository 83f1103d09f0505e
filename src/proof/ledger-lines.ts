import { type Account, type Example, LEDGER_CLASSES, type LedgerClass } from './accounts.ts';
import type { TapSeen } from './examine-tap.ts';

/** One line of the ledger: the equal entries of all taps. */
export interface LedgerLine {
  class: LedgerClass;
  what: string;
  from: string | null;
  to: string | null;
  protocol: string | null;
  port: number | null;
  packets: number;
  bytes: number;
  /** One of them. */
  example: Example;
}

/** How many lines a result has. Beyond that, the nodes and ports of a kind share one line. */
const MOST_LINES = 10_000;

/** Puts the ledgers of all taps together: the gravest class first, and in it what there is most of. */
export function ledgerLines(taps: readonly TapSeen[]): LedgerLine[] {
  const lines = new Map<string, LedgerLine>();
  for (const { ledger } of taps) {
    for (const { account, packets, bytes, example } of ledger.entries) {
      const line = lineOf(lines, account, example);
      line.packets += packets;
      line.bytes += bytes;
    }
  }
  return [...lines.values()].sort(
    (a, b) => LEDGER_CLASSES.indexOf(a.class) - LEDGER_CLASSES.indexOf(b.class) || b.packets - a.packets,
  );
}

function lineOf(lines: Map<string, LedgerLine>, account: Account, example: Example): LedgerLine {
  const { class: kind, what, protocol, from, to, port } = account;
  const ends = { from, to, port };
  const known = lines.get(keyOf(account, ends));
  if (known) return known;
  const kept = lines.size < MOST_LINES ? ends : { from: null, to: null, port: null };
  const key = keyOf(account, kept);
  const line = lines.get(key) ?? { class: kind, what, protocol, ...kept, packets: 0, bytes: 0, example };
  lines.set(key, line);
  return line;
}

function keyOf(
  { class: kind, what, protocol }: Account,
  { from, to, port }: Pick<Account, 'from' | 'to' | 'port'>,
): string {
  return [kind, what, protocol, from, to, port].join('\0');
}
