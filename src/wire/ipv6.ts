import { formatIpv6 } from '../net/addresses.ts';
import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, has, limit, malformed, type Protocol, pass, protocolOfIp } from './cursor.ts';

const HEADER = 40;
const FRAGMENT_HEADER = 8;
const AUTHENTICATION = 51;

export function decodeIpv6(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, HEADER)) return undefined;
  const first = u32(bytes, offset);
  if (first >>> 28 !== 6) return malformed(cursor);
  const payloadLength = u16(bytes, offset + 4);
  const nextHeader = u8(bytes, offset + 6);
  layers.push({
    kind: 'ipv6',
    offset,
    length: HEADER,
    source: formatIpv6(bytes, offset + 8),
    destination: formatIpv6(bytes, offset + 24),
    nextHeader,
    payloadLength,
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    hopLimit: u8(bytes, offset + 7),
  });
  pass(cursor, HEADER);
  // Jumbograms and segmentation offload leave 0.
  if (payloadLength !== 0) limit(cursor, payloadLength);
  return follow(cursor, nextHeader);
}

export function decodeIpv6Extension(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers, number: header } = cursor;
  if (!has(cursor, 8)) return undefined;
  const units = u8(bytes, offset + 1);
  const length = extensionLength(header, units);
  if (!has(cursor, length)) return undefined;
  const nextHeader = u8(bytes, offset);
  layers.push({ kind: 'ipv6-extension', offset, length, header, nextHeader });
  pass(cursor, length);
  return follow(cursor, nextHeader);
}

export function decodeIpv6Fragment(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, FRAGMENT_HEADER)) return undefined;
  const nextHeader = u8(bytes, offset);
  const fragmentation = u16(bytes, offset + 2);
  const fragmentOffset = fragmentation & 0xfff8;
  const moreFragments = (fragmentation & 1) !== 0;
  const identification = u32(bytes, offset + 4);
  const length = FRAGMENT_HEADER;
  layers.push({ kind: 'ipv6-fragment', offset, length, nextHeader, identification, moreFragments, fragmentOffset });
  pass(cursor, FRAGMENT_HEADER);
  if (moreFragments && fragmentOffset === 0) cursor.ending = 'truncated';
  const next = follow(cursor, nextHeader);
  return fragmentOffset > 0 ? undefined : next;
}

/** The headers that may stand between an IPv6 header and its payload, and that say their own length (RFC 8200 §4, RFC 6564). */
export function isExtension(number: number): boolean {
  switch (number) {
    case 0:
    case 43:
    case AUTHENTICATION:
    case 60:
    case 135:
    case 139:
    case 140:
      return true;
    default:
      return false;
  }
}

/** In bytes, from the length field: 8-byte units less one, or for authentication 4-byte units less two. */
export function extensionLength(number: number, units: number): number {
  return number === AUTHENTICATION ? (units + 2) * 4 : (units + 1) * 8;
}

function follow(cursor: Cursor, nextHeader: number): Protocol | undefined {
  cursor.number = nextHeader;
  if (nextHeader === 44) return 'ipv6-fragment';
  return isExtension(nextHeader) ? 'ipv6-extension' : protocolOfIp(nextHeader);
}
