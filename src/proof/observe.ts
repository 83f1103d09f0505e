import { accountCiphertext, type CiphertextAccount } from './ciphertext-account.ts';
import type { PlaintextSeen, TapSeen } from './examine-tap.ts';
import { Networks } from './networks.ts';
import { orderedPairs } from './pairs.ts';
import type { ProbeRecord, Record } from './record.ts';
import { tapFault } from './tap-fault.ts';

export type Observation = 'encrypted' | 'plaintext' | 'mixed' | 'inconclusive';

/** What was seen of the packets from one node to another. */
export interface PairObservation {
  from: string;
  to: string;
  observation: Observation;
  /** The connection from a pod on `from` to a pod on `to` carried its marker there, and the answer's marker back. */
  delivered: boolean;
  /**
   * Packets that held a marker on its way from `from` to `to`, wherever they went, or the addresses of two such pods. It may be
   * more than 0 where the observation is inconclusive: what was readable was readable, whatever else is not known.
   */
  plaintextPackets: number;
  /** Those of them that held, or completed, a marker. */
  markerPackets: number;
  /** Packets that were found to be ciphertext, keepalives and handshakes not counted. */
  ciphertextPackets: number;
  /** What those between the control packets carried, without header and tag; and what they had to carry at least. */
  ciphertextBytes: number;
  deliveredBytes: number;
  reason: string;
}

/**
 * The observation of every ordered pair of nodes, after the table of the design's §6. The rules beyond that table:
 * - *delivered* is that of the connection from A to B. Its answer goes from B to A, and is needed too.
 * - Both taps must have been alive from before the traffic until after it: A's for what A sends to B, and B's because what B
 *   does with A's packets (a mirror, an answer) leaves there.
 * - `plaintext` needs the request's marker: addresses alone leave open whether what they carry can be read.
 * - `encrypted` needs at least the bytes delivered from A to B by all connections, from A's own tap, between the controls.
 * - Nodes that could not be probed are nodes all the same: nothing is known of their pairs but what others saw in clear.
 */
export function observe(record: Record, taps: readonly TapSeen[]): PairObservation[] {
  const names = [...record.nodes, ...(record.unprobed ?? [])].map((node) => node.name);
  const strangers = strangePods(record);
  const pairs = record.sample?.pairs ?? orderedPairs(names);
  return pairs.map(([from, to]) => observePair(record, taps, strangers, from, to));
}

function observePair(
  record: Record,
  taps: readonly TapSeen[],
  strangers: ReadonlyMap<string, string>,
  from: string,
  to: string,
): PairObservation {
  const probe = record.probes.find((p) => p.from === from && p.to === to);
  const back = record.probes.find((p) => p.from === to && p.to === from);
  const deliveredBytes = (probe?.delivered ? probe.sentBytes : 0) + (back?.delivered ? back.repliedBytes : 0);
  const plain = plaintextBetween(taps, from, to);
  const cipher = accountCiphertext(record, taps, from, to, deliveredBytes);
  const fault =
    preconditionFault(record, taps, probe, from, to) ??
    strangers.get(probe?.fromPod.address ?? '') ??
    strangers.get(probe?.toPod.address ?? '');
  const [observation, reason] = fault ? withoutPreconditions(fault, plain) : classify(plain, cipher, probe);
  return {
    from,
    to,
    observation,
    delivered: probe?.delivered ?? false,
    plaintextPackets: plain.packets,
    markerPackets: plain.markerPackets,
    ciphertextPackets: cipher.packets,
    ciphertextBytes: cipher.windowBytes,
    deliveredBytes,
    reason,
  };
}

function classify(
  plain: PlaintextSeen,
  cipher: CiphertextAccount,
  probe: ProbeRecord | undefined,
): [Observation, string] {
  if (plain.packets > 0 && cipher.packets > 0) {
    return ['mixed', `${inClear(plain)}, beside ${packets(cipher.packets)} of ciphertext`];
  }
  if (plain.packets > 0) {
    if (probe && plain.markers.has(probe.request)) return ['plaintext', `${inClear(plain)}, and no ciphertext`];
    return ['inconclusive', `${inClear(plain)}, but the marker that was delivered could not be read in them`];
  }
  if (cipher.fault) return ['inconclusive', cipher.fault];
  return ['encrypted', `nothing in clear; ${packets(cipher.packets)} of ciphertext: ${cipher.evidence}`];
}

function withoutPreconditions(fault: string, plain: PlaintextSeen): [Observation, string] {
  return ['inconclusive', plain.packets > 0 ? `${fault}; yet ${inClear(plain)}` : fault];
}

/** What makes any observation of the pair worthless but that of a leak, or undefined. */
function preconditionFault(
  record: Record,
  taps: readonly TapSeen[],
  probe: ProbeRecord | undefined,
  from: string,
  to: string,
): string | undefined {
  const blind = record.unprobed?.find(({ name }) => name === from || name === to);
  if (blind) return `${blind.name} could not be probed: ${blind.reason}`;
  const problem = record.problems.find(({ node }) => node === null || node === from || node === to);
  if (problem) return problem.message;
  const tap = tapFault(record, taps, from, to) ?? tapFault(record, taps, to, from);
  if (tap) return tap;
  if (!probe) return `no connection was made from a pod on ${from} to a pod on ${to}`;
  if (!probe.delivered)
    return `nothing was delivered from ${from} to ${to}: ${probe.reason ?? 'the ends do not agree'}`;
  return undefined;
}

/**
 * The addresses of probes that are in no pod network of their node, and why that spoils everything: packets of pods are told by
 * their addresses, and a record that does not know those of its own probes would miss others too.
 */
function strangePods(record: Record): Map<string, string> {
  const networks = new Networks(record);
  const pods = record.probes.flatMap((p) => [
    { ...p.fromPod, node: p.from },
    { ...p.toPod, node: p.to },
  ]);
  const strange = pods.filter(({ address, node }) => {
    const owner = networks.owner(address);
    return owner?.kind !== 'pod' || owner.node !== node;
  });
  return new Map(
    strange.map((pod) => [pod.address, `${pod.address} of pod ${pod.name} is in no pod network of ${pod.node}`]),
  );
}

/** What all taps saw in clear on its way from one node to the other: a mirror may send it from anywhere to anywhere. */
function plaintextBetween(taps: readonly TapSeen[], from: string, to: string): PlaintextSeen {
  const seen = taps.flatMap((tap) => tap.plaintext.filter((p) => p.from === from && p.to === to));
  return {
    from,
    to,
    packets: seen.reduce((sum, p) => sum + p.packets, 0),
    markerPackets: seen.reduce((sum, p) => sum + p.markerPackets, 0),
    markers: new Set(seen.flatMap((p) => [...p.markers])),
  };
}

function inClear({ packets: count, markerPackets }: PlaintextSeen): string {
  const held = markerPackets > 0 ? `, ${markerPackets} of them with markers of this run` : '';
  return `${packets(count)} of pods in clear${held}`;
}

function packets(count: number): string {
  return count === 1 ? '1 packet' : `${count} packets`;
}
