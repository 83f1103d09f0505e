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
  /** `nodes`: which nodes it is about, of `not-chosen` alone. */
  outOfScope: { what: Scope | 'not-chosen' | 'further-pods'; packets: number; note: string; nodes?: string[] }[];
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
  const { outside = [] } = record;
  return {
    lab: record.lab,
    engine: record.engine,
    dataplane: record.dataplane,
    expect: claim,
    ...judgeClaim(
      claim,
      pairs,
      record.sample?.of,
      outside.map(({ name }) => name),
    ),
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
    outOfScope: [...notChosen(outside, taps), ...notReached(record), ...outOfScope(taps, record)],
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

/** The nodes that the claim is not about, and how many packets of pods were in clear to or from them. */
function notChosen(
  outside: readonly { name: string; reason: string }[],
  taps: readonly TapSeen[],
): VerifyResult['outOfScope'] {
  const [first] = outside;
  if (!first) return [];
  const nodes = outside.map(({ name }) => name);
  const among = new Set(nodes);
  const seen = taps.flatMap(({ plaintext }) => plaintext.filter(({ from, to }) => among.has(from) || among.has(to)));
  const packets = seen.reduce((sum, each) => sum + each.packets, 0);
  const note = `packets in clear of pods to or from nodes that no claim is about: ${first.reason}`;
  return [{ what: 'not-chosen', packets, note, nodes }];
}

/** Traffic that this run did not send: what leads past the tunnel for it alone would not have shown. */
function notReached({ notTried = [] }: Record): VerifyResult['outOfScope'] {
  return notTried.map(({ what, count, reason }) => ({
    what: 'further-pods',
    packets: 0,
    note: `not tried: ${count === undefined ? '' : `${count} times `}${what}: ${reason}`,
  }));
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
