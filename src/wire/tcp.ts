import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, has, malformed, pass } from './cursor.ts';

const SHORTEST = 20;

/** An ICMP error quotes at least so much of a header: the ports and the sequence number. */
const QUOTED = 8;

/** Of a cut header, what is missing is 0. */
export function decodeTcp(cursor: Cursor): undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, QUOTED)) return;
  const whole = has(cursor, SHORTEST);
  const length = whole ? (u8(bytes, offset + 12) >> 4) * 4 : cursor.end - offset;
  if (whole && length < SHORTEST) return malformed(cursor);
  if (!has(cursor, length)) return;
  layers.push({
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
  });
  pass(cursor, length);
}
