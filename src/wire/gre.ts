import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, follow, has, Protocol } from './cursor.ts';
import { followInner } from './inner.ts';
import type { ErspanLayer, GreLayer } from './packet.ts';
import { followEtherType } from './protocols.ts';

const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
/** Only in the version of PPTP (RFC 2637). */
const ACKNOWLEDGMENT = 0x0080;

const ERSPAN_1_2 = 0x88be;
const ERSPAN_3 = 0x22eb;
const ERSPAN_2_HEADER = 8;
const ERSPAN_3_HEADER = 12;
const ERSPAN_3_SUBHEADER = 8;

/** Reads GRE with its optional fields (RFC 2784, RFC 2890), NVGRE (RFC 7637), and that of PPTP. */
export function readGre(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, 4)) return 0;
  const flags = u16(bytes, offset);
  const protocol = u16(bytes, offset + 2);
  const length = 4 + 4 * optionalFields(flags);
  if (!has(cursor, length)) return 0;
  const key = (flags & KEY) === 0 ? 0 : u32(bytes, offset + keyOffset(flags));
  // PPTP's key is the length of the payload, and then the number of the call.
  cursor.network = isPptp(flags) ? key & 0xffff : key;
  if ((flags & ROUTING) !== 0) {
    follow(cursor, 'EtherType', protocol, Protocol.unknown);
    followInner(cursor, offset + length, Protocol.unknown);
  } else if (protocol === ERSPAN_1_2) {
    // Without a sequence number it is type I, which has no header of its own.
    const next = (flags & SEQUENCE) === 0 ? Protocol.ethernet : Protocol.erspan2;
    follow(cursor, 'EtherType', protocol, next);
  } else if (protocol === ERSPAN_3) follow(cursor, 'EtherType', protocol, Protocol.erspan3);
  else followEtherType(cursor, protocol, length);
  return length;
}

export function greLayer({ bytes, offset }: Cursor, length: number): GreLayer {
  const flags = u16(bytes, offset);
  const key = (flags & KEY) === 0 ? undefined : u32(bytes, offset + keyOffset(flags));
  const sequence = (flags & SEQUENCE) === 0 ? undefined : u32(bytes, offset + sequenceOffset(flags));
  return { kind: 'gre', offset, length, flags, protocol: u16(bytes, offset + 2), key, sequence };
}

export function readErspan2(cursor: Cursor): number {
  if (!has(cursor, ERSPAN_2_HEADER)) return 0;
  enterMirror(cursor);
  return ERSPAN_2_HEADER;
}

/** Reads type III, whose frames are of Ethernet or begin with an IP header, and which may have a platform's own fields. */
export function readErspan3(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, ERSPAN_3_HEADER)) return 0;
  const tail = u16(bytes, offset + 10);
  const length = ERSPAN_3_HEADER + (tail & 1 ? ERSPAN_3_SUBHEADER : 0);
  if (!has(cursor, length)) return 0;
  enterMirror(cursor);
  if (((tail >> 10) & 0x1f) === 2) cursor.next = u8(bytes, offset + length) >> 4 === 6 ? Protocol.ipv6 : Protocol.ipv4;
  return length;
}

export function erspanLayer({ bytes, offset }: Cursor, length: number): ErspanLayer {
  const [version, session, vlan] = [u8(bytes, offset) >> 4, u16(bytes, offset + 2) & 0x3ff, u16(bytes, offset) & 0xfff];
  return { kind: 'erspan', offset, length, version, session, vlan };
}

function enterMirror(cursor: Cursor): void {
  cursor.network = u16(cursor.bytes, cursor.offset + 2) & 0x3ff;
  cursor.next = Protocol.ethernet;
}

function isPptp(flags: number): boolean {
  return (flags & 7) === 1;
}

function optionalFields(flags: number): number {
  const has = (bit: number) => ((flags & bit) === 0 ? 0 : 1);
  if (isPptp(flags)) return has(KEY) + has(SEQUENCE) + has(ACKNOWLEDGMENT);
  return ((flags & (CHECKSUM | ROUTING)) === 0 ? 0 : 1) + has(KEY) + has(SEQUENCE);
}

function keyOffset(flags: number): number {
  return 4 + (!isPptp(flags) && (flags & (CHECKSUM | ROUTING)) !== 0 ? 4 : 0);
}

function sequenceOffset(flags: number): number {
  return keyOffset(flags) + ((flags & KEY) === 0 ? 0 : 4);
}
