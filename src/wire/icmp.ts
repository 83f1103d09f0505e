import { u8, u16 } from '../net/bytes.ts';
import { type Cursor, has, type Protocol, pass } from './cursor.ts';
import type { Packet } from './packet.ts';

const HEADER = 8;

/** Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
const ERRORS = [3, 4, 5, 11, 12];
const ECHO = [0, 8];

/** Destination unreachable, packet too big, time exceeded, parameter problem. */
const ERRORS_V6 = [1, 2, 3, 4];
const ECHO_V6 = [128, 129];

/** Decodes the packet that is quoted at the cursor. */
type Quote = (cursor: Cursor, protocol: Protocol) => Packet | undefined;

export function decodeIcmp(cursor: Cursor, quote: Quote): undefined {
  const fields = readFields(cursor, ECHO, ERRORS, 'ipv4', quote);
  if (fields) cursor.layers.push({ kind: 'icmp', ...fields });
}

export function decodeIcmpv6(cursor: Cursor, quote: Quote): undefined {
  const fields = readFields(cursor, ECHO_V6, ERRORS_V6, 'ipv6', quote);
  if (fields) cursor.layers.push({ kind: 'icmpv6', ...fields });
}

/** The quoted packet stays part of the payload as well. */
function readFields(cursor: Cursor, echo: number[], errors: number[], protocol: Protocol, quote: Quote) {
  const { bytes, offset } = cursor;
  if (!has(cursor, HEADER)) return undefined;
  const type = u8(bytes, offset);
  const isEcho = echo.includes(type);
  pass(cursor, HEADER);
  return {
    offset,
    length: HEADER,
    type,
    code: u8(bytes, offset + 1),
    checksum: u16(bytes, offset + 2),
    identifier: isEcho ? u16(bytes, offset + 4) : undefined,
    sequence: isEcho ? u16(bytes, offset + 6) : undefined,
    quoted: errors.includes(type) ? quote(cursor, protocol) : undefined,
  };
}
