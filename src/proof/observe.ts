import { type CiphertextAccount, type CiphertextAccounts, deliveredOf } from './ciphertext-account.ts';
import { type Cluster, pairKey } from './cluster.ts';
import type { TapSeen } from './examine-tap.ts';
import { oneLine } from './one-line.ts';
import type { PairAccount, PairLedger } from './pair-ledger.ts';
import { orderedPairs } from './pairs.ts';
import type { Claim, ProbeRecord } from './record.ts';
import { tapFault } from './tap-fault.ts';

export type Observation = 'encrypted' | 'plaintext' | 'mixed' | 'inconclusive';

/** The observation of the packets from one node to another. */
export interface PairObservation {
  from: string;
  to: string;
  observation: Observation;
  /** The connection from a pod on `from` to a pod on `to` carried its marker there, and the answer's marker back. */
  delivered: boolean;
  /**
   * Packets in the class `pod plaintext` of the ledger. They may be more than 0 if the observation is inconclusive: a readable
   * packet stays readable, even if everything else is unknown.
   */
  plaintextPackets: number;
  /** Plaintext packets that held, or completed, a marker. */
  markerPackets: number;
  /** Packets in the class `unexplained` of the ledger. */
  unexplainedPackets: number;
  /** Packets that are ciphertext, keepalives and handshakes not counted. */
  ciphertextPackets: number;
  /** The bytes that ciphertext between the control packets carried, without header and tag; and the least that it had to carry. */
  ciphertextBytes: number;
  deliveredBytes: number;
  /** One line. */
  reason: string;
}

/** Above this number, pairs without any traffic are counted together, not observed one by one. */
const MANY_PAIRS = 100_000;

/** Everything that an observation is made from. */
export interface Observed {
  readonly cluster: Cluster;
  readonly taps: ReadonlyMap<string, TapSeen>;
  readonly ledger: PairLedger;
  readonly ciphertext: CiphertextAccounts;
}

/** Returns how many ordered pairs the claim is about. */
export function pairCount({ record, claimed }: Cluster): number {
  return record.sample ? record.sample.pairs.length : claimed.size * (claimed.size - 1);
}

/**
 * Observes the ordered pairs of nodes one after the other, by the table of the design's §6. The rules beyond that table:
 * - *delivered* refers to the connection from A to B. Its answer goes from B to A, and is needed too.
 * - Both taps must have been alive from before the traffic until after it: A's for what A sends to B, and B's because what B
 *   does with A's packets (a mirror, an answer) leaves there.
 * - `plaintext` needs the request's marker: addresses alone leave open whether what they carry can be read.
 * - `encrypted` needs at least the bytes delivered from A to B by all connections, from A's own tap, between the controls.
 * - Nodes that could not be probed are nodes all the same: all that is known about their pairs comes from the other nodes' taps.
 *
 * Of more than 100,000 pairs it leaves out those without a connection: they are inconclusive.
 */
export function* observe(observed: Observed): Generator<PairObservation> {
  const strangers = strangePods(observed.cluster);
  for (const [from, to] of pairsToObserve(observed)) yield observePair(observed, strangers, from, to);
}

function* pairsToObserve({ cluster, ledger }: Observed): Generator<readonly [string, string]> {
  const { record, claimed } = cluster;
  if (record.sample) yield* record.sample.pairs;
  else if (pairCount(cluster) <= MANY_PAIRS) yield* orderedPairs([...claimed]);
  else {
    const pairs = new Map(record.probes.map(({ from, to }) => [pairKey(from, to), [from, to] as const]));
    for (const { from, to } of ledger.troubled()) if (to !== null) pairs.set(pairKey(from, to), [from, to]);
    yield* pairs.values();
  }
}

function observePair(
  observed: Observed,
  strangers: ReadonlyMap<string, string>,
  from: string,
  to: string,
): PairObservation {
  const { cluster, taps, ledger, ciphertext } = observed;
  const probe = cluster.probe(from, to);
  const back = cluster.probe(to, from);
  const delivered = deliveredOf(probe, back);
  const pair = ledger.pair(from, to);
  const cipher = ciphertext.of(from, to);
  const fault =
    preconditionFault(cluster, taps, probe, from, to) ??
    strangers.get(probe?.fromPod.address ?? '') ??
    strangers.get(probe?.toPod.address ?? '');
  const [observation, reason] = fault ? withoutPreconditions(fault, pair) : classify(pair, cipher, probe);
  return {
    from,
    to,
    observation,
    delivered: probe?.delivered ?? false,
    plaintextPackets: pair.plaintext,
    markerPackets: pair.markerPackets,
    unexplainedPackets: pair.unexplained,
    ciphertextPackets: cipher.packets,
    ciphertextBytes: cipher.windowBytes,
    deliveredBytes: [...delivered.values()].reduce((sum, bytes) => sum + bytes, 0),
    reason: oneLine(reason),
  };
}

function classify(pair: PairAccount, cipher: CiphertextAccount, probe: ProbeRecord | undefined): [Observation, string] {
  if (pair.plaintext > 0 && pair.ciphertext > 0) {
    return ['mixed', `${inPlaintext(pair)}, next to ${packets(pair.ciphertext)} of ciphertext`];
  }
  if (pair.plaintext > 0) {
    if (probe && pair.markers.has(probe.request)) return ['plaintext', `${inPlaintext(pair)}, and no ciphertext`];
    return ['inconclusive', `${inPlaintext(pair)}, but the marker that was delivered could not be read in them`];
  }
  if (pair.unexplained > 0) return ['inconclusive', inUnexplained(pair)];
  if (cipher.fault) return ['inconclusive', cipher.fault];
  return ['encrypted', `no plaintext; ${packets(cipher.packets)} of ciphertext: ${cipher.evidence}`];
}

function withoutPreconditions(fault: string, pair: PairAccount): [Observation, string] {
  return ['inconclusive', pair.plaintext > 0 ? `${fault}; yet ${inPlaintext(pair)}` : fault];
}

/** Returns the reason why any observation of the pair but a leak is worthless, or undefined. */
function preconditionFault(
  cluster: Cluster,
  taps: ReadonlyMap<string, TapSeen>,
  probe: ProbeRecord | undefined,
  from: string,
  to: string,
): string | undefined {
  const blind = cluster.unprobed(from) ?? cluster.unprobed(to);
  if (blind) return `${blind.name} could not be probed: ${blind.reason}`;
  const problem = cluster.problem(from) ?? cluster.problem(to);
  if (problem) return problem;
  const tap = tapFault(cluster, taps.get(from), from, to) ?? tapFault(cluster, taps.get(to), to, from);
  if (tap) return tap;
  if (!probe) return `no connection was made from a pod on ${from} to a pod on ${to}`;
  if (!probe.delivered) {
    return `nothing was delivered from ${from} to ${to}: ${probe.reason ?? 'the ends do not agree'}`;
  }
  return undefined;
}

/**
 * Returns the addresses of probes that are in no pod network of their node, each with why that spoils everything: packets of
 * pods are recognised by their addresses, and a record that does not know those of its own probes would miss others too.
 */
function strangePods({ record, networks }: Cluster): Map<string, string> {
  const strange = new Map<string, string>();
  for (const { from, to, fromPod, toPod } of record.probes) {
    for (const [pod, node] of [[fromPod, from] as const, [toPod, to] as const]) {
      const owner = networks.owner(pod.address);
      if (owner?.kind === 'pod' && owner.node === node) continue;
      strange.set(pod.address, `${pod.address} of pod ${pod.name} is in no pod network of ${node}`);
    }
  }
  return strange;
}

/** Returns whether an observation contradicts a claim. */
export const contradicts: { readonly [claim in Claim]: (pair: PairObservation) => boolean } = {
  encrypted: ({ observation, plaintextPackets }) =>
    plaintextPackets > 0 || observation === 'plaintext' || observation === 'mixed',
  plaintext: ({ observation }) => observation === 'encrypted' || observation === 'mixed',
};

/** Says in words what the ledger holds in plaintext for a pair. */
export function inPlaintext({ plaintext, markerPackets, plaintextWhat }: PairAccount): string {
  const held = markerPackets > 0 ? `, ${markerPackets} of them with markers of this run` : '';
  const what = plaintextWhat && plaintextWhat !== 'pod to pod' && held === '' ? ` (${plaintextWhat})` : '';
  return `${packets(plaintext)} of pods in plaintext${what}${held}`;
}

/** Says in words what the ledger cannot explain of a pair. */
export function inUnexplained({ unexplained, unexplainedWhat }: PairAccount): string {
  return `${packets(unexplained)} unexplained: ${unexplainedWhat ?? 'nobody knows what'}`;
}

function packets(count: number): string {
  return count === 1 ? '1 packet' : `${count} packets`;
}
