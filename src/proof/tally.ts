import { type Cluster, pairKey } from './cluster.ts';
import {
  contradicts,
  inPlaintext,
  inUnexplained,
  type Observation,
  type PairObservation,
  pairCount,
} from './observe.ts';
import type { PairAccount, PairLedger } from './pair-ledger.ts';
import type { Claim } from './record.ts';

/** How many pairs, and the first of them. */
export interface Count {
  count: number;
  first: PairObservation | undefined;
}

/** A finding of the ledger between nodes that were not observed as a pair. */
export interface Trouble {
  count: number;
  readonly from: string;
  readonly to: string | null;
  readonly what: string;
}

/** The observations of all pairs, counted. */
export interface Tally {
  /** How many pairs the claim is about. */
  readonly pairs: number;
  readonly observations: { [observation in Observation]: number };
  /** Pairs that contradict a claim, and pairs that do not show it. */
  readonly against: { readonly [claim in Claim]: Count };
  readonly unknown: { readonly [claim in Claim]: Count };
  leaksElsewhere: Trouble | undefined;
  unexplainedElsewhere: Trouble | undefined;
}

/** How many pairs a result lists. */
const MOST_LISTED = 100_000;

/** Counts the observations of a run, and keeps as many of them as a result lists. */
export function tallyPairs(
  cluster: Cluster,
  ledger: PairLedger,
  observations: Iterable<PairObservation>,
): { tally: Tally; listed: PairObservation[] } {
  const count = (): Count => ({ count: 0, first: undefined });
  const tally: Tally = {
    pairs: pairCount(cluster),
    observations: { encrypted: 0, plaintext: 0, mixed: 0, inconclusive: 0 },
    against: { encrypted: count(), plaintext: count() },
    unknown: { encrypted: count(), plaintext: count() },
    leaksElsewhere: undefined,
    unexplainedElsewhere: undefined,
  };
  const listed: PairObservation[] = [];
  const observed = new Set<string>();
  let seen = 0;
  for (const pair of observations) {
    seen += 1;
    observed.add(pairKey(pair.from, pair.to)).add(pair.from);
    tally.observations[pair.observation] += 1;
    for (const claim of ['encrypted', 'plaintext'] as const) {
      if (contradicts[claim](pair)) add(tally.against[claim], pair);
      if (pair.observation !== claim) add(tally.unknown[claim], pair);
    }
    if (listed.length < MOST_LISTED) listed.push(pair);
  }
  addUnobserved(tally, tally.pairs - seen);
  addElsewhere(tally, ledger, (from, to) => observed.has(to === null ? from : pairKey(from, to)));
  return { tally, listed };
}

function add(count: Count, pair: PairObservation): void {
  count.count += 1;
  count.first ??= pair;
}

/** Adds pairs without any traffic. */
function addUnobserved(tally: Tally, pairs: number): void {
  tally.observations.inconclusive += pairs;
  tally.unknown.encrypted.count += pairs;
  tally.unknown.plaintext.count += pairs;
}

function addElsewhere(
  tally: Tally,
  ledger: PairLedger,
  isObserved: (from: string, to: string | null) => boolean,
): void {
  for (const { from, to, account } of ledger.troubled()) {
    if (isObserved(from, to)) continue;
    if (account.plaintext > 0) tally.leaksElsewhere = more(tally.leaksElsewhere, from, to, account, inPlaintext);
    if (account.unexplained > 0) {
      tally.unexplainedElsewhere = more(tally.unexplainedElsewhere, from, to, account, inUnexplained);
    }
  }
}

function more(
  known: Trouble | undefined,
  from: string,
  to: string | null,
  account: PairAccount,
  inWords: (account: PairAccount) => string,
): Trouble {
  return known ? { ...known, count: known.count + 1 } : { count: 1, from, to, what: inWords(account) };
}
