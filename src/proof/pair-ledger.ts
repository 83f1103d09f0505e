import type { Account } from './accounts.ts';
import type { TapSeen } from './examine-tap.ts';

/** The ledger's counts for the packets from one node to another. */
export interface PairAccount {
  plaintext: number;
  /** Plaintext packets that held, or completed, a marker. */
  markerPackets: number;
  /** The ids of the markers that were read. */
  readonly markers: Set<string>;
  /** The most frequent kind of plaintext, in words. */
  plaintextWhat: string | undefined;
  /** Handshakes, cookies and keepalives are not among them. */
  ciphertext: number;
  unexplained: number;
  unexplainedWhat: string | undefined;
}

/** The ledger of all taps, by pairs of nodes. */
export class PairLedger {
  readonly #pairs = new Map<string, PairAccount>();
  /** Packets without a known receiver, by their sender: they may concern every node that it sends to. */
  readonly #anyFrom = new Map<string, PairAccount>();

  constructor(taps: readonly TapSeen[]) {
    for (const { ledger } of taps) {
      for (const { account, packets, markerPackets, markers } of ledger.entries) {
        for (const pair of this.#concerned(account)) add(pair, account, packets, markerPackets, markers);
      }
    }
  }

  /** Returns the counts for a pair, including packets that may concern any node. */
  pair(from: string, to: string): PairAccount {
    const [own, any] = [this.#pairs.get(keyOf(from, to)), this.#anyFrom.get(from)];
    if (!own || !any) return own ?? any ?? NOTHING;
    return {
      plaintext: own.plaintext + any.plaintext,
      markerPackets: own.markerPackets + any.markerPackets,
      markers: new Set([...own.markers, ...any.markers]),
      plaintextWhat: own.plaintextWhat ?? any.plaintextWhat,
      ciphertext: own.ciphertext + any.ciphertext,
      unexplained: own.unexplained + any.unexplained,
      unexplainedWhat: own.unexplainedWhat ?? any.unexplainedWhat,
    };
  }

  /** Returns every pair that the ledger names and that has plaintext or something unexplained; `to` is null if it may be any node. */
  *troubled(): Generator<{ from: string; to: string | null; account: PairAccount }> {
    for (const [key, account] of this.#pairs) {
      const [from = '', to = ''] = key.split('\0');
      if (account.plaintext > 0 || account.unexplained > 0) yield { from, to, account };
    }
    for (const [from, account] of this.#anyFrom) {
      if (account.plaintext > 0 || account.unexplained > 0) yield { from, to: null, account };
    }
  }

  #concerned({ from, to, also = [] }: Account): PairAccount[] {
    if (from === null) return [];
    const first = to === null ? of(this.#anyFrom, from) : of(this.#pairs, keyOf(from, to));
    return [first, ...also.map((route) => of(this.#pairs, keyOf(route[0], route[1])))];
  }
}

const NOTHING: PairAccount = nothing();

function nothing(): PairAccount {
  return {
    plaintext: 0,
    markerPackets: 0,
    markers: new Set(),
    plaintextWhat: undefined,
    ciphertext: 0,
    unexplained: 0,
    unexplainedWhat: undefined,
  };
}

function add(
  pair: PairAccount,
  { class: kind, what, data }: Account,
  packets: number,
  markerPackets: number,
  markers: ReadonlySet<string>,
): void {
  if (kind === 'pod plaintext') {
    pair.plaintext += packets;
    pair.markerPackets += markerPackets;
    for (const marker of markers) pair.markers.add(marker);
    pair.plaintextWhat ??= what;
  } else if (kind === 'unexplained') {
    pair.unexplained += packets;
    pair.unexplainedWhat ??= what;
  } else if (kind === 'ciphertext' && data) pair.ciphertext += packets;
}

function of(pairs: Map<string, PairAccount>, key: string): PairAccount {
  const known = pairs.get(key) ?? nothing();
  pairs.set(key, known);
  return known;
}

function keyOf(from: string, to: string): string {
  return `${from}\0${to}`;
}
