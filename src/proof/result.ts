import type { Evidence, TapSeen } from './examine-tap.ts';
import { observe, type PairObservation } from './observe.ts';
import type { Claim, Record } from './record.ts';
import { type Scope, scopeNotes } from './scope.ts';
import { judgeClaim, type Verdict } from './verdict.ts';

/**
 * What `verify -o json` prints: stable. Fields may be added, none taken away or changed. Beside what scripts need (`verdict`,
 * `pairs`, `taps`), `summary` says it in a sentence, `outOfScope` what was in clear by design, `problems` what spoilt
 * the run, and `excerpts` shows some of the packets.
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
  /** Where not all pairs were looked at: how many there are. Else null. */
  sampledOf: number | null;
  /** Nodes that could not be probed, and why. */
  unprobed: { node: string; reason: string }[];
  taps: TapResult[];
  outOfScope: { what: Scope; packets: number; note: string }[];
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
  /** By the kernel; null where tcpdump did not say. */
  dropped: number | null;
  /** The open and close control packets to every peer were captured. */
  controlSeen: boolean;
}

/** Puts the result together from the record and what its taps saw. */
export function verifyResult(
  record: Record,
  taps: readonly TapSeen[],
  claim: Claim | null,
  evidence: string,
): VerifyResult {
  const pairs = observe(record, taps);
  return {
    lab: record.lab,
    engine: record.engine,
    dataplane: record.dataplane,
    expect: claim,
    ...judgeClaim(claim, pairs, record.sample?.of),
    startedAt: record.startedAt,
    pairs,
    sampledOf: record.sample?.of ?? null,
    unprobed: (record.unprobed ?? []).flatMap(({ name, reason }) =>
      pairs.some(({ from, to }) => from === name || to === name) ? [{ node: name, reason }] : [],
    ),
    taps: record.taps.map((tap) => ({
      node: tap.node,
      interface: tap.interface,
      packets: taps.find((seen) => seen.node === tap.node)?.frames ?? 0,
      dropped: tap.droppedByKernel,
      controlSeen: sawControls(record, taps, tap.node),
    })),
    outOfScope: outOfScope(taps, record),
    problems: record.problems,
    evidence,
    excerpts: taps.flatMap((tap) => tap.evidence),
  };
}

function sawControls(record: Record, taps: readonly TapSeen[], node: string): boolean {
  const controls = taps.find((tap) => tap.node === node)?.controls;
  const sampled = record.sample?.pairs.filter(([from]) => from === node).map(([, to]) => to);
  const peers = sampled ?? record.nodes.map(({ name }) => name).filter((name) => name !== node);
  return peers.length > 0 && peers.every((name) => controls?.get(name)?.open && controls.get(name)?.close);
}

function outOfScope(taps: readonly TapSeen[], record: Record): VerifyResult['outOfScope'] {
  const total = new Map<Scope, number>();
  // Said also where no packet of it was seen: nobody is to take this run for a proof about IPv6.
  if (record.podNetworks.some(({ cidr }) => cidr.includes(':'))) total.set('ipv6', 0);
  for (const tap of taps) {
    for (const [what, packets] of tap.outOfScope) total.set(what, (total.get(what) ?? 0) + packets);
  }
  return [...total].map(([what, packets]) => ({ what, packets, note: scopeNotes[what] }));
}
