import type { Ending } from './packet.ts';

/**
 * The headers that are read. `data` and `unknown` end a packet: after `data` come bytes of an application, after `unknown`
 * something that names itself by a number no header here has.
 */
export const Protocol = {
  data: 0,
  unknown: 1,
  ethernet: 2,
  vlan: 3,
  sll: 4,
  sll2: 5,
  loopback: 6,
  nflog: 7,
  llc: 8,
  mpls: 9,
  pppoe: 10,
  ppp: 11,
  arp: 12,
  ipv4: 13,
  ipv6: 14,
  ipv6Extension: 15,
  ipv6Fragment: 16,
  authentication: 17,
  tcp: 18,
  udp: 19,
  sctp: 20,
  icmp: 21,
  icmpv6: 22,
  esp: 23,
  vxlan: 24,
  geneve: 25,
  gre: 26,
  erspan2: 27,
  erspan3: 28,
  gtp: 29,
  l2tp: 30,
  wireguard: 31,
  wrapper: 32,
} as const;

export type Protocol = (typeof Protocol)[keyof typeof Protocol];

/** The register of the number by which a header names what follows it. */
export type Register = 'EtherType' | 'IP protocol' | 'PPP protocol' | 'LLC service' | 'link type';

/**
 * The place in a packet where a header is read. A reader looks at the header at `offset`, returns its length, and sets what the
 * header says: what follows, and where it ends. It returns 0 if there is no such header, and then `ending` says why. It never
 * reads at `end` or after. One cursor may serve many packets, so readers set every field that they are responsible for.
 */
export interface Cursor {
  bytes: Uint8Array;
  offset: number;
  end: number;
  ending: Ending;
  /** The declared length of the bytes between `offset` and `end`: larger than their number if the capture cut them. */
  declared: number;
  next: Protocol;
  /** The number by which the last header named what follows it, and the register of that number. */
  number: number;
  register: Register;
  /** How many bytes to skip if `next` is `wrapper`, and what comes then. */
  skip: number;
  skipTo: Protocol;
  /** The number of the network inside a tunnel, from its header: two networks may use the same addresses. */
  network: number;
  /** The place in the datagram of what an IP header or IPv6 fragment header carries, and whether more comes after it. */
  position: number;
  more: boolean;
  /** The byte that names the protocol of an IPv6 header chain's next header. */
  nextAt: number;
}

export function newCursor(): Cursor {
  return {
    bytes: new Uint8Array(0),
    offset: 0,
    end: 0,
    ending: 'complete',
    declared: 0,
    next: Protocol.data,
    number: 0,
    register: 'EtherType',
    skip: 0,
    skipTo: Protocol.data,
    network: 0,
    position: 0,
    more: false,
    nextAt: 0,
  };
}

/** Places the cursor at the first header of a packet. */
export function begin(cursor: Cursor, bytes: Uint8Array, offset: number, end: number): void {
  cursor.bytes = bytes;
  cursor.offset = offset;
  cursor.end = end;
  cursor.declared = end - offset;
  cursor.ending = 'complete';
  cursor.next = Protocol.data;
  cursor.number = 0;
}

/** Returns whether a header of this length is there whole; if not, the packet ends here. */
export function has(cursor: Cursor, length: number): boolean {
  if (cursor.offset + length <= cursor.end) return true;
  cursor.ending = 'truncated';
  return false;
}

/** Moves past a header. */
export function pass(cursor: Cursor, length: number): void {
  cursor.offset += length;
  cursor.declared -= length;
}

/** Notes how long a header says that the bytes from `offset` on are: more is padding, less means that the capture cut them. */
export function limit(cursor: Cursor, length: number): void {
  cursor.declared = length;
  if (cursor.offset + length > cursor.end) cursor.ending = 'truncated';
  else cursor.end = cursor.offset + length;
}

/** Ends the packet before a header that contradicts itself; returns the length 0. */
export function malformed(cursor: Cursor): 0 {
  cursor.ending = 'malformed';
  return 0;
}

/** Ends the headers: what follows is data. Returns the length of the last header. */
export function endWithData(cursor: Cursor, length: number): number {
  cursor.next = Protocol.data;
  return length;
}

/** Sets what follows a header to a protocol that a register's number names. */
export function follow(cursor: Cursor, register: Register, number: number, next: Protocol): void {
  cursor.register = register;
  cursor.number = number;
  cursor.next = next;
}
