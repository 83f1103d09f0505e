import { drawLargeSize, drawSizes, type Protocol } from '../fingerprint.ts';
import { newMarkers } from '../markers.ts';
import type { Record } from '../record.ts';

/** The messages of one protocol from one pod to another: the lengths of their IP packets. */
export interface Drawn {
  /** The last one is larger than the MTU. */
  sizes: number[];
  /** How many lengths each of the others was drawn from, at least. */
  choices: number;
}

/** The packets that a pod on one node sends to a pod on another, over one family of addresses. */
export interface PlannedProbe {
  from: string;
  to: string;
  family: 4 | 6;
  /** The ids of both markers. */
  request: string;
  reply: string;
  tcp: Drawn;
  /** The answers over TCP. */
  answers: Drawn;
  icmp: Drawn;
  udp: Drawn;
}

export interface Plan {
  markers: { [id: string]: string };
  probes: PlannedProbe[];
  controls: Record['controls'];
}

/** The markers that an ordered pair of nodes has: of the request, of the answer, of both control packets. */
const MARKERS = 4;

/**
 * Plans what a run sends between ordered pairs of nodes: `messages` of each protocol each way, and a large one. `families` says over
 * which families a pair can talk. No two sequences that pass from one node to another share a length.
 */
export function planTraffic(
  pairs: readonly (readonly [string, string])[],
  families: (from: string, to: string) => readonly (4 | 6)[],
  messages: number,
  randomBelow: (n: number) => number,
): Plan {
  const markers = newMarkers(pairs.length * MARKERS);
  const ids = Object.keys(markers);
  const id = (pair: number, which: number) => ids[pair * MARKERS + which] ?? '';
  const taken = new Map<string, Set<number>>();
  const takenOn = (from: string, to: string, family: 4 | 6) => {
    const key = `${from} ${to} ${family}`;
    const lengths = taken.get(key) ?? new Set<number>();
    taken.set(key, lengths);
    return lengths;
  };
  const planned = pairs.flatMap(([from, to], i) =>
    families(from, to).map((family) => ({ from, to, family, request: id(i, 0), reply: id(i, 1) })),
  );
  const draw = (protocol: Protocol, ...ways: Set<number>[]): Drawn => {
    const all = new Set(ways.flatMap((way) => [...way]));
    const { sizes, choices } = drawSizes(protocol, messages, all, randomBelow);
    for (const way of ways) for (const size of sizes) way.add(size);
    return { sizes: [...sizes, drawLargeSize(randomBelow)], choices };
  };
  // TCP has the fewest lengths to choose from: it chooses first.
  const overTcp = planned.map((probe) => ({
    ...probe,
    tcp: draw('tcp', takenOn(probe.from, probe.to, probe.family)),
    answers: draw('tcp', takenOn(probe.to, probe.from, probe.family)),
  }));
  const probes = overTcp.map((probe) => {
    const there = takenOn(probe.from, probe.to, probe.family);
    const back = takenOn(probe.to, probe.from, probe.family);
    // An echo is answered by one of its own length.
    return { ...probe, icmp: draw('icmp', there, back), udp: draw('udp', there) };
  });
  const controls = pairs.map(([from, to], i) => ({ from, to, open: id(i, 2), close: id(i, 3) }));
  return { markers, probes, controls };
}

/** The bytes around what is sent, in an IP packet: TCP's header has room for a time, as Linux sends it. */
const HEADERS = { tcp: { 4: 52, 6: 72 }, icmp: { 4: 28, 6: 48 } } as const;

/** Returns the lengths of the messages that make IP packets of these sizes. */
export function payloads(protocol: 'tcp' | 'icmp', family: 4 | 6, sizes: readonly number[]): number[] {
  return sizes.map((size) => size - HEADERS[protocol][family]);
}

/** As many messages for each protocol as an idle network needs, and a busier one. */
const FEW = 9;
const MANY = 11;

/** Returns how many messages to draw if the busiest node sends this many packets a second. */
export function messagesFor(packetsPerSecond: number): number {
  return packetsPerSecond > 100 ? MANY : FEW;
}
