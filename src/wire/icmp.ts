import { u8, u16 } from '../net/bytes.ts';
import { type Cursor, has, Protocol } from './cursor.ts';
import { followInner } from './inner.ts';
import type { IcmpFields } from './packet.ts';

const HEADER = 8;

/** Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
const ERRORS = [3, 4, 5, 11, 12];
const ECHO = [0, 8];

/** Destination unreachable, packet too big, time exceeded, parameter problem. */
const ERRORS_V6 = [1, 2, 3, 4];
const ECHO_V6 = [128, 129];

export function readIcmp(cursor: Cursor): number {
  return read(cursor, ECHO);
}

export function readIcmpv6(cursor: Cursor): number {
  return read(cursor, ECHO_V6);
}

/** Returns the fields of an ICMP header at the cursor; the packet that it quotes is decoded by the caller. */
export function icmpFields(cursor: Cursor): IcmpFields {
  return fields(cursor, ECHO, ERRORS);
}

export function icmpv6Fields(cursor: Cursor): IcmpFields {
  return fields(cursor, ECHO_V6, ERRORS_V6);
}

/** Reads the header. An echo's data may be a packet, as in some tunnels; a packet that an error quotes is no traffic of its own. */
function read(cursor: Cursor, echo: readonly number[]): number {
  if (!has(cursor, HEADER)) return 0;
  cursor.next = Protocol.data;
  if (echo.includes(u8(cursor.bytes, cursor.offset))) followInner(cursor, cursor.offset + HEADER, Protocol.data);
  return HEADER;
}

function fields({ bytes, offset }: Cursor, echo: readonly number[], errors: readonly number[]): IcmpFields {
  const type = u8(bytes, offset);
  const isEcho = echo.includes(type);
  return {
    type,
    code: u8(bytes, offset + 1),
    checksum: u16(bytes, offset + 2),
    identifier: isEcho ? u16(bytes, offset + 4) : undefined,
    sequence: isEcho ? u16(bytes, offset + 6) : undefined,
    quoted: undefined,
    isError: errors.includes(type),
  };
}
