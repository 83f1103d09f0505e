import type { Ending, Layer } from './packet.ts';

/** What a decoder can find to follow its layer. */
export type Protocol =
  | 'ethernet'
  | 'vlan'
  | 'sll'
  | 'sll2'
  | 'ip'
  | 'arp'
  | 'ipv4'
  | 'ipv6'
  | 'ipv6-extension'
  | 'ipv6-fragment'
  | 'tcp'
  | 'udp'
  | 'icmp'
  | 'icmpv6'
  | 'esp'
  | 'vxlan'
  | 'geneve'
  | 'wireguard'
  | 'udp-esp';

/**
 * Where a packet's decoding stands. A decoder reads its header at `offset`, adds its layer, moves `offset` behind it, and gives
 * the protocol that follows, if it is one that is decoded. It never reads at `end` or after.
 */
export interface Cursor {
  readonly bytes: Uint8Array;
  readonly layers: Layer[];
  offset: number;
  end: number;
  ending: Ending;
  /** How long what lies between `offset` and `end` was said to be: more than that where the capture cut it. */
  declared: number;
  /** The number by which the last header named what follows it. */
  number: number;
  /** How many ICMP errors this packet is quoted in. */
  readonly quotedIn: number;
}

export function cursorAt(bytes: Uint8Array, offset: number, end: number, quotedIn: number): Cursor {
  const declared = end - offset;
  return { bytes, layers: [], offset, end, ending: 'complete', declared, number: 0, quotedIn };
}

/** Whether a header of so many bytes is there whole; where not, the packet ends here. */
export function has(cursor: Cursor, length: number): boolean {
  if (cursor.offset + length <= cursor.end) return true;
  cursor.ending = 'truncated';
  return false;
}

/** Moves behind a header. */
export function pass(cursor: Cursor, length: number): void {
  cursor.offset += length;
  cursor.declared -= length;
}

/** A header says that what begins at `offset` is so long: what comes after that is padding, what lacks was cut. */
export function limit(cursor: Cursor, length: number): void {
  cursor.declared = length;
  if (cursor.offset + length > cursor.end) cursor.ending = 'truncated';
  else cursor.end = cursor.offset + length;
}

/** A header contradicts itself: the packet ends before it. */
export function malformed(cursor: Cursor): undefined {
  cursor.ending = 'malformed';
  return undefined;
}

export function protocolOfEtherType(etherType: number): Protocol | undefined {
  switch (etherType) {
    case 0x0800:
      return 'ipv4';
    case 0x86dd:
      return 'ipv6';
    case 0x0806:
      return 'arp';
    case 0x8100:
    case 0x88a8:
      return 'vlan';
    case 0x6558:
      return 'ethernet';
    default:
      return undefined;
  }
}

/** By the number of an IPv4 header, or of the last IPv6 one. */
export function protocolOfIp(number: number): Protocol | undefined {
  switch (number) {
    case 1:
      return 'icmp';
    case 4:
      return 'ipv4';
    case 6:
      return 'tcp';
    case 17:
      return 'udp';
    case 41:
      return 'ipv6';
    case 50:
      return 'esp';
    case 58:
      return 'icmpv6';
    default:
      return undefined;
  }
}
