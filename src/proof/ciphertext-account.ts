import type { SessionSeen } from './ciphertext.ts';
import type { TapSeen, TowardsSeen } from './examine-tap.ts';
import type { NodeRecord, Record } from './record.ts';

/**
 * Sessions that began before the capture: the one in use, and the one before it, which lives until the next handshake
 * (WireGuard keeps the previous, current and next key pair).
 */
const MAX_EARLIER_SESSIONS = 2;

/** A session whose handshake was captured starts at counter 0; packets may be lost on the way to the wire, but not this many. */
const MAX_FIRST_COUNTER = 8192;

/** What the ciphertext from one node to another amounts to. */
export interface CiphertextAccount {
  packets: number;
  /** Between the control packets. */
  windowBytes: number;
  /** Why this does not show that what was delivered was encrypted; undefined where it does. */
  fault: string | undefined;
  /** What ties it to the keys of the nodes. */
  evidence: string;
}

/** Adds up the ciphertext that `from`'s own tap saw leave for `to`, and holds it against what must have been delivered with it. */
export function accountCiphertext(
  record: Record,
  taps: readonly TapSeen[],
  from: string,
  to: string,
  deliveredBytes: number,
): CiphertextAccount {
  const sender = record.nodes.find((n) => n.name === from);
  const receiver = record.nodes.find((n) => n.name === to);
  const seen = taps.find((tap) => tap.node === from)?.towards.get(to);
  const nothing = { packets: 0, windowBytes: 0, evidence: '' };
  if (!sender || !receiver || !seen) return { ...nothing, fault: nothingSeen(from, to) };
  const answers = taps.find((tap) => tap.node === to)?.towards.get(from);
  const sessions = acceptedSessions(sender, receiver, seen, answers);
  const windowBytes = sum(sessions, (s) => s.windowBytes);
  const packets = sum(sessions, (s) => s.packets);
  const handshaken = sessions.some((s) => answers?.announced.has(s.session));
  const counters = peerCounters(sender, receiver, deliveredBytes);
  const fault =
    (packets === 0 ? noCiphertext(seen, from, to) : undefined) ??
    keyFault(record, sender) ??
    keyFault(record, receiver) ??
    foreignFault(seen, from, to) ??
    counters.fault ??
    (!handshaken && !counters.grew ? untied(to) : undefined) ??
    (windowBytes < Math.max(1, deliveredBytes) ? tooFew(seen, windowBytes, deliveredBytes, from, to) : undefined);
  const ties = [
    ...(handshaken ? ['a handshake that was made for the published key'] : []),
    ...(counters.grew ? ["WireGuard's own counters for the peer"] : []),
  ];
  const esp = seen.esp.sessions.filter((s) => s.random);
  return {
    packets: packets + sum(esp, (s) => s.packets),
    windowBytes,
    fault,
    evidence: `${windowBytes} bytes for ${deliveredBytes} delivered, tied to the keys by ${ties.join(' and ')}`,
  };
}

/**
 * The sessions that the two nodes can have with each other: those whose index the receiver announced in a captured handshake, and
 * the few that were there before. Where WireGuard said that there were none before, none is taken.
 */
function acceptedSessions(
  sender: NodeRecord,
  receiver: NodeRecord,
  seen: TowardsSeen,
  answers: TowardsSeen | undefined,
): SessionSeen[] {
  const announced = answers?.announced ?? new Set<number>();
  const random = seen.wireguard.sessions.filter((session) => session.random && session.packets > 0);
  const fresh = random.filter((s) => announced.has(s.session) && s.firstCounter < MAX_FIRST_COUNTER);
  const earlier = random.filter((s) => !announced.has(s.session));
  if (earlier.length > MAX_EARLIER_SESSIONS || !hadSession(sender, receiver)) return fresh;
  return [...fresh, ...earlier];
}

function hadSession(sender: NodeRecord, receiver: NodeRecord): boolean {
  const before = sender.wireguard?.peers?.before;
  if (!before) return true;
  return before.some((peer) => peer.publicKey === receiver.wireguard?.deviceKey && peer.latestHandshake > 0);
}

function keyFault(record: Record, { name, wireguard }: NodeRecord): string | undefined {
  if (!wireguard) return `${name} has no WireGuard device, so whose ciphertext this is cannot be told`;
  const { publicKey, deviceKey } = wireguard;
  if (publicKey === null) return `${name} publishes no WireGuard key`;
  if (deviceKey === null) return `the key of ${wireguard.interface} on ${name} could not be read`;
  if (publicKey !== deviceKey)
    return `${name} publishes another key than ${wireguard.interface} has: peers encrypt for the wrong one`;
  const twin = record.nodes.find((n) => n.name !== name && n.wireguard?.publicKey === publicKey);
  return twin && `${name} and ${twin.name} publish the same key`;
}

function foreignFault(seen: TowardsSeen, from: string, to: string): string | undefined {
  if (seen.misaddressedHandshakes > 0) {
    return `${from} sent ${seen.misaddressedHandshakes} handshakes to ${to} that are not for the key that ${to} publishes`;
  }
  const foreign = seen.foreign + seen.wireguard.structured;
  if (foreign === 0) return undefined;
  return `${foreign} packets from ${from} to ${to} on WireGuard's ports are not WireGuard${seen.foreignWhy ? `: ${seen.foreignWhy}` : ''}`;
}

/** What the two devices counted for each other during the run; `grew` where at least one could be asked and none objects. */
function peerCounters(sender: NodeRecord, receiver: NodeRecord, needed: number): { grew: boolean; fault?: string } {
  const sent = growth(sender, receiver, 'tx');
  const got = growth(receiver, sender, 'rx');
  const [from, to] = [sender.name, receiver.name];
  if (sent === 'unknown peer') return { grew: false, fault: `WireGuard on ${from} does not have ${to} as a peer` };
  if (got === 'unknown peer') return { grew: false, fault: `WireGuard on ${to} does not have ${from} as a peer` };
  if (sent !== null && sent < needed) {
    return {
      grew: false,
      fault: `WireGuard on ${from} counted ${sent} bytes sent to ${to}, fewer than the ${needed} delivered`,
    };
  }
  if (got !== null && got < needed) {
    return {
      grew: false,
      fault: `WireGuard on ${to} counted ${got} bytes received from ${from}, fewer than the ${needed} delivered`,
    };
  }
  return { grew: (sent ?? 0) > 0 || (got ?? 0) > 0 };
}

function growth(node: NodeRecord, peer: NodeRecord, counter: 'rx' | 'tx'): number | null | 'unknown peer' {
  const peers = node.wireguard?.peers;
  if (!peers) return null;
  const [before, after] = [peers.before, peers.after].map((list) =>
    list.find((p) => p.publicKey === peer.wireguard?.publicKey),
  );
  return before && after ? after[counter] - before[counter] : 'unknown peer';
}

function noCiphertext(seen: TowardsSeen, from: string, to: string): string {
  if (seen.esp.sessions.some((s) => s.packets > 0)) {
    return `${from} sent ESP to ${to}, which wglab cannot tie to a key yet`;
  }
  const { replayed, structured, stray, sessions } = seen.wireguard;
  if (structured > 0 || sessions.some((s) => !s.random)) {
    return `what ${from} sent to ${to} on WireGuard's ports has its header but structured content, not ciphertext`;
  }
  if (seen.foreign > 0) return foreignFault(seen, from, to) ?? nothingSeen(from, to);
  if (replayed > 0) return `what ${from} sent to ${to} on WireGuard's ports repeats counters`;
  if (stray > 0 || sessions.some((s) => s.packets > 0)) {
    return `what ${from} sent to ${to} on WireGuard's ports belongs to no session that the two have`;
  }
  return nothingSeen(from, to);
}

function nothingSeen(from: string, to: string): string {
  return `neither plaintext nor ciphertext left ${from} for ${to}: the traffic took another way, or is hidden in something unknown`;
}

function untied(to: string): string {
  return `neither a handshake that was captured nor WireGuard's counters tie the ciphertext to the key of ${to}`;
}

function tooFew(seen: TowardsSeen, windowBytes: number, needed: number, from: string, to: string): string {
  const fragments = seen.fragments > 0 ? ` (${seen.fragments} IP fragments are not counted)` : '';
  return `only ${windowBytes} bytes of ciphertext left ${from} for ${to}${fragments}, fewer than the ${needed} delivered`;
}

function sum<T>(values: readonly T[], number: (value: T) => number): number {
  return values.reduce((total, value) => total + number(value), 0);
}
