import { formatIpv6 } from '../net/addresses.ts';
import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, endWithData, has, limit, malformed } from './cursor.ts';
import type { AuthenticationLayer, Ipv6ExtensionLayer, Ipv6FragmentLayer, Ipv6Layer } from './packet.ts';
import { followIp } from './protocols.ts';

const HEADER = 40;
const FRAGMENT_HEADER = 8;
const AUTHENTICATION = 12;

export function readIpv6(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, HEADER)) return 0;
  if (u8(bytes, offset) >> 4 !== 6) return malformed(cursor);
  const payloadLength = u16(bytes, offset + 4);
  // Jumbograms and segmentation offload leave 0.
  if (payloadLength !== 0) limit(cursor, HEADER + payloadLength);
  return chain(cursor, offset + 6, HEADER);
}

export function ipv6Layer({ bytes, offset }: Cursor, length: number): Ipv6Layer {
  const first = u32(bytes, offset);
  return {
    kind: 'ipv6',
    offset,
    length,
    source: formatIpv6(bytes, offset + 8),
    destination: formatIpv6(bytes, offset + 24),
    nextHeader: u8(bytes, offset + 6),
    payloadLength: u16(bytes, offset + 4),
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    hopLimit: u8(bytes, offset + 7),
  };
}

/** Reads a header that may come between an IPv6 header and its payload, and that says its own length (RFC 8200 §4, RFC 6564). */
export function readExtension(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, 8)) return 0;
  const length = (u8(bytes, offset + 1) + 1) * 8;
  return has(cursor, length) ? chain(cursor, offset, length) : 0;
}

export function extensionLayer({ bytes, offset }: Cursor, length: number, header: number): Ipv6ExtensionLayer {
  return { kind: 'ipv6-extension', offset, length, header, nextHeader: u8(bytes, offset) };
}

/** Reads IPsec's authentication header, whose length counts in fours, less two (RFC 4302). */
export function readAuthentication(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, AUTHENTICATION)) return 0;
  const length = (u8(bytes, offset + 1) + 2) * 4;
  if (length < AUTHENTICATION) return malformed(cursor);
  return has(cursor, length) ? chain(cursor, offset, length) : 0;
}

export function authenticationLayer({ bytes, offset }: Cursor, length: number): AuthenticationLayer {
  const [spi, sequence] = [u32(bytes, offset + 4), u32(bytes, offset + 8)];
  return { kind: 'ah', offset, length, nextHeader: u8(bytes, offset), spi, sequence };
}

export function readFragment(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, FRAGMENT_HEADER)) return 0;
  const fragmentation = u16(bytes, offset + 2);
  const protocolAt = cursor.nextAt;
  chain(cursor, offset, FRAGMENT_HEADER);
  // Once the fragments are together, the header before this one names the protocol.
  cursor.nextAt = protocolAt;
  cursor.position = fragmentation & 0xfff8;
  cursor.more = (fragmentation & 1) !== 0;
  if (cursor.position > 0) return endWithData(cursor, FRAGMENT_HEADER);
  if (cursor.more) cursor.ending = 'truncated';
  return FRAGMENT_HEADER;
}

export function fragmentLayer({ bytes, offset, more, position }: Cursor, length: number): Ipv6FragmentLayer {
  const [nextHeader, identification] = [u8(bytes, offset), u32(bytes, offset + 4)];
  return {
    kind: 'ipv6-fragment',
    offset,
    length,
    nextHeader,
    identification,
    moreFragments: more,
    fragmentOffset: position,
  };
}

/** Sets what follows a header of the chain by its byte that names the next one. */
function chain(cursor: Cursor, nextAt: number, length: number): number {
  cursor.nextAt = nextAt;
  cursor.position = 0;
  cursor.more = false;
  followIp(cursor, u8(cursor.bytes, nextAt), length);
  return length;
}
