import type { Cluster } from './cluster.ts';
import type { TapSeen } from './examine-tap.ts';
import type { NodeRecord } from './record.ts';
import { acceptedSessions } from './sessions.ts';

/** What the ciphertext from one node to another amounts to. */
export interface CiphertextAccount {
  packets: number;
  /** Between the control packets. */
  windowBytes: number;
  /** Why this does not show that what was delivered was encrypted; undefined if it does. */
  fault: string | undefined;
  /** What ties it to the keys of the nodes. */
  evidence: string;
}

/** Adds up the ciphertext that `from`'s own tap saw leave for `to`, and compares it with what must have been delivered with it. */
export function accountCiphertext(
  cluster: Cluster,
  tap: TapSeen | undefined,
  other: TapSeen | undefined,
  from: string,
  to: string,
  deliveredBytes: number,
): CiphertextAccount {
  const [sender, receiver] = [cluster.node(from), cluster.node(to)];
  const seen = tap?.placed ? tap.towards.get(to) : undefined;
  if (!sender || !receiver || !seen) return { packets: 0, windowBytes: 0, evidence: '', fault: nothingSeen(from, to) };
  const answers = other?.towards.get(from);
  const sessions = acceptedSessions(sender, receiver, seen, answers);
  const windowBytes = sum(sessions, (s) => s.windowBytes);
  const packets = sum(sessions, (s) => s.packets);
  const handshaken = sessions.some((s) => answers?.announced.has(s.session));
  const counters = peerCounters(sender, receiver, deliveredBytes);
  const esp = sum(seen.esp, (s) => (s.structure ? 0 : s.packets));
  const fault =
    (packets === 0 ? noCiphertext(esp, from, to) : undefined) ??
    keyFault(cluster, sender) ??
    keyFault(cluster, receiver) ??
    counters.fault ??
    (!handshaken && !counters.grew ? untied(to) : undefined) ??
    (windowBytes < Math.max(1, deliveredBytes) ? tooFew(windowBytes, deliveredBytes, from, to) : undefined);
  const ties = [
    ...(handshaken ? ['a handshake that was made for the published key'] : []),
    ...(counters.grew ? ["WireGuard's own counters for the peer"] : []),
  ];
  return {
    packets: packets + esp,
    windowBytes,
    fault,
    evidence: `${windowBytes} bytes for ${deliveredBytes} delivered, tied to the keys by ${ties.join(' and ')}`,
  };
}

function keyFault(cluster: Cluster, { name, wireguard }: NodeRecord): string | undefined {
  if (!wireguard) return `${name} has no WireGuard device, so nothing ties the ciphertext to a key of its own`;
  const { publicKey, deviceKey } = wireguard;
  if (publicKey === null) return `${name} publishes no WireGuard key`;
  if (deviceKey === null) return `the key of ${wireguard.interface} on ${name} could not be read`;
  if (publicKey !== deviceKey) {
    return `${name} publishes another key than ${wireguard.interface} has: peers encrypt for the wrong one`;
  }
  const twin = cluster.twinOf(name, publicKey);
  return twin && `${name} and ${twin} publish the same key`;
}

/** What the two devices counted for each other during the run; `grew` if at least one could be asked and none objects. */
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

function noCiphertext(esp: number, from: string, to: string): string {
  return esp > 0 ? `${from} sent ESP to ${to}, which wglab cannot tie to a key yet` : nothingSeen(from, to);
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
