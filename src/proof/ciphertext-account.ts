import type { SessionSeen } from './ciphertext.ts';
import { type Cluster, pairKey } from './cluster.ts';
import type { TapSeen } from './examine-tap.ts';
import { WIREGUARD_RULES } from './fingerprint.ts';
import type { ProbeRecord, WireguardRecord } from './record.ts';
import { type Recognised, recognise, type Sequence } from './sequences.ts';
import { acceptedSessions } from './sessions.ts';

/** The sum of the ciphertext from one node to another. */
export interface CiphertextAccount {
  packets: number;
  /** Between the control packets. */
  windowBytes: number;
  /** Why this does not show that what was delivered was encrypted; undefined if it does. */
  fault: string | undefined;
  /** The facts that tie it to the keys of the nodes and to this run, in words. */
  evidence: string;
  /** The run's sequences that are in it. */
  recognised: Recognised;
}

/** The bytes that the ciphertext must have delivered, by the family of the pods' packets. */
type Delivered = ReadonlyMap<4 | 6, number>;

interface Ends {
  readonly cluster: Cluster;
  readonly from: string;
  readonly to: string;
  readonly tap: TapSeen | undefined;
  readonly other: TapSeen | undefined;
}

/** The ciphertext of the pairs of a run, each added up once. */
export class CiphertextAccounts {
  readonly #cluster: Cluster;
  readonly #taps: ReadonlyMap<string, TapSeen>;
  readonly #known = new Map<string, CiphertextAccount>();

  constructor(cluster: Cluster, taps: ReadonlyMap<string, TapSeen>) {
    this.#cluster = cluster;
    this.#taps = taps;
  }

  of(from: string, to: string): CiphertextAccount {
    const key = pairKey(from, to);
    const known = this.#known.get(key);
    if (known) return known;
    const [cluster, taps] = [this.#cluster, this.#taps];
    const ends = { cluster, from, to, tap: taps.get(from), other: taps.get(to) };
    const account = accountCiphertext(ends, deliveredOf(cluster.probe(from, to), cluster.probe(to, from)));
    this.#known.set(key, account);
    return account;
  }
}

/** Returns the bytes that the connections of both directions delivered from A to B. */
export function deliveredOf(probe: ProbeRecord | undefined, back: ProbeRecord | undefined): Map<4 | 6, number> {
  const delivered = new Map<4 | 6, number>();
  const add = ({ fromPod }: ProbeRecord, bytes: number) => {
    const family = fromPod.address.includes(':') ? 6 : 4;
    delivered.set(family, (delivered.get(family) ?? 0) + bytes);
  };
  if (probe) add(probe, probe.delivered ? probe.sentBytes : 0);
  if (back) add(back, back.delivered ? back.repliedBytes : 0);
  return delivered;
}

/** Adds up the ciphertext that `from`'s own tap saw leave for `to`, and compares it with the bytes that it must have delivered. */
function accountCiphertext(ends: Ends, delivered: Delivered): CiphertextAccount {
  const { cluster, from, to } = ends;
  const sequences = cluster.sequences(from, to);
  const families = new Set([...delivered.keys(), ...sequences.map(({ family }) => family)]);
  const accounts = [...families].map((family) =>
    accountFamily(
      ends,
      family,
      delivered.get(family) ?? 0,
      sequences.filter((each) => each.family === family),
    ),
  );
  const esp = sum(ends.tap?.towards.get(to)?.esp ?? [], (s) => (s.structure ? 0 : s.packets));
  const packets = sum(accounts, (each) => each.packets);
  return {
    packets: packets + esp,
    windowBytes: sum(accounts, (each) => each.windowBytes),
    fault: (packets === 0 ? noCiphertext(esp, from, to) : undefined) ?? accounts.find(({ fault }) => fault)?.fault,
    evidence: accounts.map(({ evidence }) => evidence).join('; '),
    recognised: {
      all: new Set(accounts.flatMap(({ recognised }) => [...recognised.all])),
      withoutLarge: new Set(accounts.flatMap(({ recognised }) => [...recognised.withoutLarge])),
    },
  };
}

/** Does the same for the packets of one family, which have a device of their own or share one. */
function accountFamily(
  { cluster, from, to, tap, other }: Ends,
  family: 4 | 6,
  needed: number,
  sequences: readonly Sequence[],
): CiphertextAccount {
  const recognisedNone = { all: new Set<Sequence>(), withoutLarge: new Set<Sequence>() };
  const nothing = { packets: 0, windowBytes: 0, evidence: '', recognised: recognisedNone };
  const device = cluster.deviceFor(from, family);
  const [sender, receiver] = [device && cluster.device(from, device), device && cluster.device(to, device)];
  if (!device || !sender) return { ...nothing, fault: noDevice(from, family) };
  if (!receiver) return { ...nothing, fault: noDevice(to, family) };
  const seen = tap?.placed ? tap.towards.get(to)?.wireguard.get(device) : undefined;
  if (!seen) return { ...nothing, fault: nothingSeen(from, to) };
  const answers = other?.towards.get(from)?.wireguard.get(device);
  const sessions = acceptedSessions(sender, receiver, seen, answers);
  const windowBytes = sum(sessions, (s) => s.windowBytes);
  const packets = sum(sessions, (s) => s.packets);
  const handshaken = sessions.some((s) => answers?.announced.has(s.session));
  const counters = peerCounters(from, sender, to, receiver, needed);
  const messages = inOrder(sessions);
  const answered = cluster.sequences(to, from).filter((each) => each.family === family);
  const recognised = recognise(sequences, messages, WIREGUARD_RULES, sender.mtu, answered);
  const fault =
    keyFault(cluster, from, sender) ??
    keyFault(cluster, to, receiver) ??
    counters.fault ??
    (!handshaken && !counters.grew ? untied(to) : undefined) ??
    (windowBytes < Math.max(1, needed) ? tooFew(windowBytes, needed, from, to) : undefined) ??
    unrecognised(sequences, recognised, from, to);
  const ties = [
    ...(handshaken ? ['a handshake that was made for the published key'] : []),
    ...(counters.grew ? ["WireGuard's own counters for the peer"] : []),
  ];
  const own = sequences.filter(({ kind }) => kind !== 'further');
  const lengths =
    own.length > 0 ? `; ${own.filter((each) => recognised.all.has(each)).length} sequences of lengths recognised` : '';
  const evidence = `${windowBytes} bytes for ${needed} delivered, tied to the keys by ${ties.join(' and ')}${lengths}`;
  return { packets, windowBytes, fault, evidence, recognised };
}

/** Returns the messages of all sessions by time: when one session follows another, their messages may be mixed. */
function inOrder(sessions: readonly SessionSeen[]): SessionSeen['messages'] {
  const [first, ...more] = sessions.map(({ messages }) => messages);
  if (!first || more.length === 0) return first ?? [];
  return sessions.flatMap(({ messages }) => messages).sort((a, b) => a.time - b.time);
}

const KINDS = { tcp: 'TCP', udp: 'UDP', icmp: 'ICMP echo' } as const;

/** Returns the fault if a sequence arrived but is not in the ciphertext: it took another way. */
function unrecognised(
  sequences: readonly Sequence[],
  { all }: Recognised,
  from: string,
  to: string,
): string | undefined {
  const lost = sequences.find((each) => each.kind !== 'further' && each.arrived && !all.has(each));
  if (!lost) return undefined;
  const what = `${lost.kind === 'reply' ? 'answers' : 'packets'} of ${KINDS[lost.protocol]} over IPv${lost.family}`;
  return `this run's ${what} from ${from} to ${to} arrived, but they are not in the ciphertext: they took another way`;
}

function keyFault(cluster: Cluster, name: string, { interface: device, publicKey, deviceKey }: WireguardRecord) {
  if (publicKey === null) return `${name} publishes no WireGuard key for ${device}`;
  if (deviceKey === null) return `the key of ${device} on ${name} could not be read`;
  if (publicKey !== deviceKey)
    return `${name} publishes another key than ${device} has: peers encrypt for the wrong one`;
  const twin = cluster.twinOf(name, publicKey);
  return twin && `${name} and ${twin} publish the same key`;
}

/** Compares the two devices' counters for each other; `grew` is true if at least one counted bytes and neither contradicts the run. */
function peerCounters(
  from: string,
  sender: WireguardRecord,
  to: string,
  receiver: WireguardRecord,
  needed: number,
): { grew: boolean; fault?: string } {
  const sent = growth(sender, receiver, 'tx');
  const got = growth(receiver, sender, 'rx');
  const refuse = (fault: string) => ({ grew: false, fault });
  if (sent === 'unknown peer') return refuse(`WireGuard on ${from} does not have ${to} as a peer`);
  if (got === 'unknown peer') return refuse(`WireGuard on ${to} does not have ${from} as a peer`);
  if (sent !== null && sent < needed) {
    return refuse(`WireGuard on ${from} counted ${sent} bytes sent to ${to}, fewer than the ${needed} delivered`);
  }
  if (got !== null && got < needed) {
    return refuse(`WireGuard on ${to} counted ${got} bytes received from ${from}, fewer than the ${needed} delivered`);
  }
  return { grew: (sent ?? 0) > 0 || (got ?? 0) > 0 };
}

function growth(
  { peers }: WireguardRecord,
  peer: WireguardRecord,
  counter: 'rx' | 'tx',
): number | null | 'unknown peer' {
  if (!peers) return null;
  const [before, after] = [peers.before, peers.after].map((list) => list.find((p) => p.publicKey === peer.publicKey));
  return before && after ? after[counter] - before[counter] : 'unknown peer';
}

function noCiphertext(esp: number, from: string, to: string): string {
  return esp > 0 ? `${from} sent ESP to ${to}, which wglab cannot tie to a key yet` : nothingSeen(from, to);
}

function noDevice(name: string, family: 4 | 6): string {
  return `${name} has no WireGuard device for IPv${family}, so nothing ties ciphertext to a key of its own`;
}

function nothingSeen(from: string, to: string): string {
  return `neither plaintext nor ciphertext left ${from} for ${to}: the traffic took another way, or is hidden in something unknown`;
}

function untied(to: string): string {
  return `neither a handshake that was captured nor WireGuard's counters tie the ciphertext to the key of ${to}`;
}

function tooFew(windowBytes: number, needed: number, from: string, to: string): string {
  return `only ${windowBytes} bytes of ciphertext left ${from} for ${to}, fewer than the ${needed} delivered`;
}

function sum<T>(values: readonly T[], number: (value: T) => number): number {
  return values.reduce((total, value) => total + number(value), 0);
}
