import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, has, limit, malformed, Protocol } from './cursor.ts';
import type { GtpLayer } from './packet.ts';

const HEADER = 8;
const PORT = 2152;

/** The message that carries a user's packet. */
const USER_DATA = 255;

/** Any of the three optional fields of 4 bytes is there if one of these bits is set; the first says that headers follow them. */
const OPTIONAL = 0x07;
const EXTENSIONS = 0x04;

/** Returns whether a UDP payload is GTP of a user's traffic in a mobile network, version 1 (3GPP TS 29.281). */
export function isGtp(sourcePort: number, destinationPort: number, bytes: Uint8Array, offset: number, end: number) {
  if (sourcePort !== PORT && destinationPort !== PORT) return false;
  return offset + HEADER <= end && (u8(bytes, offset) & 0xf0) === 0x30;
}

export function readGtp(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  const flags = u8(bytes, offset);
  limit(cursor, HEADER + u16(bytes, offset + 2));
  cursor.network = u32(bytes, offset + 4);
  cursor.next = Protocol.data;
  let length = HEADER + ((flags & OPTIONAL) === 0 ? 0 : 4);
  if (!has(cursor, length)) return 0;
  let type = (flags & EXTENSIONS) === 0 ? 0 : u8(bytes, offset + length - 1);
  while (type !== 0) {
    const units = u8(bytes, offset + length);
    if (units === 0) return malformed(cursor);
    length += units * 4;
    if (!has(cursor, length)) return 0;
    type = u8(bytes, offset + length - 1);
  }
  if (u8(bytes, offset + 1) === USER_DATA) {
    cursor.next = u8(bytes, offset + length) >> 4 === 6 ? Protocol.ipv6 : Protocol.ipv4;
  }
  return length;
}

export function gtpLayer({ bytes, offset }: Cursor, length: number): GtpLayer {
  return { kind: 'gtp', offset, length, message: u8(bytes, offset + 1), tunnel: u32(bytes, offset + 4) };
}
