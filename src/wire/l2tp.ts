import { u16, u32 } from '../net/bytes.ts';
import { type Cursor, endWithData, follow, has, Protocol } from './cursor.ts';
import { followInner, ipVersionAt, isEthernetAt } from './inner.ts';
import type { L2tpLayer } from './packet.ts';

const PORT = 1701;

/** The cursor's number before L2TP in UDP, which no number of an IP protocol is. */
export const L2TP_IN_UDP = -2;

const CONTROL = 0x8000;
const LENGTH = 0x4000;
const SEQUENCE = 0x0800;
const OFFSET = 0x0200;

/** The session number may be followed by a cookie and by a sublayer's sequence number; both ends know whether, a capture does not. */
const ROOM = [0, 4, 8, 12];

/** Returns whether a UDP payload is L2TP, of version 2 (RFC 2661) or 3 (RFC 3931). */
export function isL2tp(sourcePort: number, destinationPort: number, bytes: Uint8Array, offset: number, end: number) {
  if ((sourcePort !== PORT && destinationPort !== PORT) || offset + 8 > end) return false;
  const version = u16(bytes, offset) & 0xf;
  return version === 2 || version === 3;
}

/** Reads L2TP in UDP, and that of IP protocol 115, which is version 3 and begins with the session number. */
export function readL2tp(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (cursor.number !== L2TP_IN_UDP) return readSession(cursor, 0);
  const flags = u16(bytes, offset);
  if ((flags & 0xf) === 3) return (flags & CONTROL) === 0 ? readSession(cursor, 4) : endWithData(cursor, 4);
  return readVersion2(cursor, flags);
}

export function l2tpLayer({ bytes, offset }: Cursor, length: number, before: number): L2tpLayer {
  const version = before === L2TP_IN_UDP ? u16(bytes, offset) & 0xf : 3;
  const at = before !== L2TP_IN_UDP ? 0 : version === 3 || (u16(bytes, offset) & LENGTH) === 0 ? 4 : 6;
  const session = version === 3 ? u32(bytes, offset + at) : u16(bytes, offset + at);
  return { kind: 'l2tp', offset, length, version, session };
}

function readSession(cursor: Cursor, at: number): number {
  const { bytes, offset, end } = cursor;
  if (!has(cursor, at + 4)) return 0;
  cursor.network = u32(bytes, offset + at);
  // Session 0 carries control messages.
  if (cursor.network === 0) return endWithData(cursor, at + 4);
  for (const room of ROOM) {
    const length = at + 4 + room;
    const inner = offset + length;
    if (isEthernetAt(bytes, inner, end)) cursor.next = Protocol.ethernet;
    else if (u16(bytes, inner) === 0xff03) cursor.next = Protocol.ppp;
    else if (ipVersionAt(bytes, inner, end) !== 0) followInner(cursor, inner, Protocol.unknown);
    else continue;
    return length;
  }
  follow(cursor, 'IP protocol', 115, Protocol.unknown);
  followInner(cursor, offset + at + 4, Protocol.unknown);
  return at + 4;
}

function readVersion2(cursor: Cursor, flags: number): number {
  const { bytes, offset } = cursor;
  let length = 6 + ((flags & LENGTH) === 0 ? 0 : 2) + ((flags & SEQUENCE) === 0 ? 0 : 4);
  if ((flags & OFFSET) !== 0 && has(cursor, length + 2)) length += 2 + u16(bytes, offset + length);
  if (!has(cursor, length)) return 0;
  cursor.network = u16(bytes, offset + ((flags & LENGTH) === 0 ? 4 : 6));
  cursor.next = (flags & CONTROL) === 0 ? Protocol.ppp : Protocol.data;
  return length;
}
