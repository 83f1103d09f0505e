import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, endWithData, has, malformed } from './cursor.ts';
import type { TcpLayer } from './packet.ts';

const SHORTEST = 20;

/** An ICMP error quotes at least this much of a header: the ports and the sequence number. */
const QUOTED = 8;

/** Reads a header that may be cut after its sequence number. */
export function readTcp(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, QUOTED)) return 0;
  if (!has(cursor, SHORTEST)) return endWithData(cursor, cursor.end - offset);
  const length = (u8(bytes, offset + 12) >> 4) * 4;
  if (length < SHORTEST) return malformed(cursor);
  return has(cursor, length) ? endWithData(cursor, length) : 0;
}

/** Describes a header; the missing fields of a cut one are 0. */
export function tcpLayer({ bytes, offset }: Cursor, length: number): TcpLayer {
  const whole = length >= SHORTEST;
  return {
    kind: 'tcp',
    offset,
    length,
    sourcePort: u16(bytes, offset),
    destinationPort: u16(bytes, offset + 2),
    sequence: u32(bytes, offset + 4),
    acknowledgment: whole ? u32(bytes, offset + 8) : 0,
    flags: whole ? u8(bytes, offset + 13) : 0,
    window: whole ? u16(bytes, offset + 14) : 0,
    checksum: whole ? u16(bytes, offset + 16) : 0,
    urgentPointer: whole ? u16(bytes, offset + 18) : 0,
  };
}
