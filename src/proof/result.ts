import { LEDGER_CLASSES, type LedgerClass } from './accounts.ts';
import { CiphertextAccounts } from './ciphertext-account.ts';
import type { Cluster } from './cluster.ts';
import type { Evidence } from './evidence.ts';
import type { TapSeen } from './examine-tap.ts';
import { type LedgerLine, ledgerLines } from './ledger-lines.ts';
import { observe, type PairObservation } from './observe.ts';
import { type OutOfScope, outOfScope } from './out-of-scope.ts';
import { PairLedger } from './pair-ledger.ts';
import type { Claim, Record } from './record.ts';
import { settle } from './settle.ts';
import { tallyPairs } from './tally.ts';
import { type FurtherPods, untested } from './untested.ts';
import { judgeClaim, type Verdict } from './verdict.ts';

/**
 * The stable output of `verify -o json`. Fields may be added, none removed or changed. Next to what scripts need (`verdict`,
 * `pairs`, `taps`, `classes`), `summary` says it in words, `ledger` accounts for every captured packet, `untested` and
 * `outOfScope` say what the verdict is not about, `problems` what spoilt the run, and `excerpts` shows some of the packets.
 */
export interface VerifyResult {
  lab: string;
  engine: string;
  dataplane: 'kernel' | 'userspace' | null;
  expect: Claim | null;
  verdict: Verdict | null;
  summary: string;
  startedAt: string;
  pairs: PairObservation[];
  /** How many pairs were judged; more than `pairs` lists if there are very many. */
  pairsJudged: number;
  /** How many pairs there are if only a sample was observed, else null. */
  sampledOf: number | null;
  /** Nodes that could not be probed, and why. */
  unprobed: { node: string; reason: string }[];
  taps: TapResult[];
  /** The packets of all taps in each class; they add up to those of the taps. */
  classes: { class: LedgerClass; packets: number; bytes: number }[];
  ledger: LedgerLine[];
  /** Everything that pods have and this run did not test, in sentences. */
  untested: string[];
  furtherPods: FurtherPods;
  outOfScope: OutOfScope[];
  problems: Record['problems'];
  /** The folder of the evidence. */
  evidence: string;
  excerpts: Evidence[];
}

export interface TapResult {
  node: string;
  interface: string;
  /** Packets in the capture file. */
  packets: number;
  /** Packets that the kernel dropped; null if tcpdump did not report it. */
  dropped: number | null;
  /** True if the open and close control packets to every peer were captured. */
  controlSeen: boolean;
}

/** Puts the result together from the record and what its taps saw. */
export function verifyResult(
  cluster: Cluster,
  taps: readonly TapSeen[],
  claim: Claim | null,
  evidence: string,
): VerifyResult {
  const { record } = cluster;
  settle(cluster, taps);
  const pairLedger = new PairLedger(taps);
  const byNode = new Map(taps.map((tap) => [tap.node, tap]));
  const ciphertext = new CiphertextAccounts(cluster, byNode);
  const { tally, listed } = tallyPairs(
    cluster,
    pairLedger,
    observe({ cluster, taps: byNode, ledger: pairLedger, ciphertext }),
  );
  const outside = (record.outside ?? []).map(({ name }) => name);
  const tested = untested(cluster, ciphertext, claim);
  const limits = { sampledOf: record.sample?.of, outside, untested: tested.untested };
  const ledger = ledgerLines(taps);
  const peers = controlledPeers(record);
  const seen = new Set(listed.flatMap(({ from, to }) => [from, to]));
  return {
    lab: record.lab,
    engine: record.engine,
    dataplane: record.dataplane,
    expect: claim,
    ...judgeClaim(claim, tally, limits),
    startedAt: record.startedAt,
    pairs: listed,
    pairsJudged: tally.pairs,
    sampledOf: record.sample?.of ?? null,
    unprobed: (record.unprobed ?? []).flatMap(({ name, reason }) => (seen.has(name) ? [{ node: name, reason }] : [])),
    taps: record.taps.map((tap) => ({
      node: tap.node,
      interface: tap.interface,
      packets: byNode.get(tap.node)?.frames ?? 0,
      dropped: tap.droppedByKernel,
      controlSeen: sawControls(byNode.get(tap.node), peers.get(tap.node) ?? []),
    })),
    classes: classesOf(ledger),
    ledger,
    untested: limits.untested.map(({ note }) => note),
    furtherPods: tested.furtherPods,
    outOfScope: outOfScope(record, ledger),
    problems: record.problems,
    evidence,
    excerpts: taps.flatMap((tap) => tap.shown),
  };
}

/** Returns the peers that each node sent control packets to. */
function controlledPeers({ controls }: Record): ReadonlyMap<string, string[]> {
  const peers = new Map<string, string[]>();
  for (const { from, to } of controls) {
    const known = peers.get(from);
    if (known) known.push(to);
    else peers.set(from, [to]);
  }
  return peers;
}

function sawControls(tap: TapSeen | undefined, peers: readonly string[]): boolean {
  return (
    peers.length > 0 &&
    peers.every((peer) => {
      const control = tap?.towards.get(peer)?.control;
      return control?.open && control.close;
    })
  );
}

function classesOf(ledger: readonly LedgerLine[]): VerifyResult['classes'] {
  const classes = new Map(LEDGER_CLASSES.map((each) => [each, { class: each, packets: 0, bytes: 0 }]));
  for (const line of ledger) {
    const total = classes.get(line.class);
    if (!total) continue;
    total.packets += line.packets;
    total.bytes += line.bytes;
  }
  return [...classes.values()];
}
