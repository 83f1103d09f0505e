import { u8, u16 } from '../net/bytes.ts';
import { type Cursor, Protocol } from './cursor.ts';

/** How far into unknown bytes the search for an IP header goes. */
const FURTHEST = 64;

/** Bytes that may follow an inner packet: padding, an integrity value, a frame check sequence. */
const MAX_TRAILER = 8;

const IPV4 = 20;
const IPV6 = 40;

/** Returns whether the bytes at `at` are an IPv4 header, options included, with the right checksum. The header ends by `end`. */
export function isIpv4Header(bytes: Uint8Array, at: number, end: number): boolean {
  const length = (u8(bytes, at) & 0x0f) * 4;
  if (u8(bytes, at) >> 4 !== 4 || length < IPV4 || at + length > end || u16(bytes, at + 2) < length) return false;
  let sum = 0;
  for (let i = at; i < at + length; i += 2) sum += u16(bytes, i);
  return sum !== 0 && ((sum & 0xffff) + (sum >>> 16)) % 0xffff === 0;
}

/**
 * Returns the IP version of a packet that begins at `at` and fills the bytes up to `end`, or 0. For IPv4 the checksum decides; IPv6
 * has none, so its length, its next header and both addresses must be ones that are in use.
 */
export function ipVersionAt(bytes: Uint8Array, at: number, end: number): 0 | 4 | 6 {
  const first = u8(bytes, at);
  if (first >= 0x45 && first <= 0x4f) {
    const spare = end - at - u16(bytes, at + 2);
    return spare >= 0 && spare <= MAX_TRAILER && isIpv4Header(bytes, at, end) ? 4 : 0;
  }
  if (first >> 4 !== 6 || end - at < IPV6 || u16(bytes, at + 4) !== end - at - IPV6) return 0;
  return isInnerProtocol(u8(bytes, at + 6)) && isIpv6Address(bytes, at + 8) && isIpv6Address(bytes, at + 24) ? 6 : 0;
}

/** Returns whether an Ethernet frame with a packet that can be read seems to begin at `at`. */
export function isEthernetAt(bytes: Uint8Array, at: number, end: number): boolean {
  // A frame's source is never a group of hosts.
  if (at + 34 > end || (u8(bytes, at + 6) & 1) !== 0) return false;
  let type = at + 12;
  for (let tags = 0; tags < 2 && isTag(u16(bytes, type)); tags++) type += 4;
  const inner = type + 2;
  switch (u16(bytes, type)) {
    case 0x0800:
      return u8(bytes, inner) >> 4 === 4 && (u8(bytes, inner) & 15) >= 5 && u16(bytes, inner + 2) >= IPV4;
    case 0x86dd:
      return u8(bytes, inner) >> 4 === 6;
    case 0x0806:
      return u16(bytes, inner) === 1 && u16(bytes, inner + 2) === 0x0800;
    case 0x8847:
      return true;
    default:
      return false;
  }
}

/** The types of the tags 802.1Q and 802.1ad, and of two that were in use before 802.1ad was. */
export function isTag(etherType: number): boolean {
  return etherType === 0x8100 || etherType === 0x88a8 || etherType === 0x9100 || etherType === 0x9200;
}

/**
 * Sets what follows to an IP packet that begins in the first bytes from `from` on, if there is one: so the payload of an
 * encapsulation without a reader of its own is decoded all the same. Otherwise sets it to `otherwise`.
 */
export function followInner(cursor: Cursor, from: number, otherwise: Protocol): void {
  const { bytes, end } = cursor;
  const last = Math.min(from + FURTHEST, end - IPV4);
  cursor.next = otherwise;
  for (let at = from; at <= last; at++) {
    const high = u8(bytes, at) >> 4;
    if (high !== 4 && high !== 6) continue;
    const version = ipVersionAt(bytes, at, end);
    if (version === 0) continue;
    cursor.skip = at - from;
    cursor.skipTo = version === 4 ? Protocol.ipv4 : Protocol.ipv6;
    cursor.next = at === from ? cursor.skipTo : Protocol.wrapper;
    return;
  }
}

/** Reads an unknown encapsulation, after which an IP packet begins. */
export function readWrapper(cursor: Cursor): number {
  cursor.next = cursor.skipTo;
  cursor.network = cursor.skip;
  return cursor.skip;
}

function isInnerProtocol(number: number): boolean {
  switch (number) {
    case 0:
    case 4:
    case 6:
    case 17:
    case 41:
    case 43:
    case 44:
    case 47:
    case 50:
    case 51:
    case 58:
    case 60:
    case 132:
      return true;
    default:
      return false;
  }
}

/** Returns whether an address is in use: global unicast (2000::/3), unique local (fc00::/7), link-local, or multicast. */
function isIpv6Address(bytes: Uint8Array, at: number): boolean {
  const first = u8(bytes, at);
  return first >> 5 === 1 || first >> 1 === 0x7e || first === 0xff || u16(bytes, at) >> 6 === 0x3fa;
}
