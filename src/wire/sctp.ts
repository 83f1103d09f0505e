import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, endWithData, has } from './cursor.ts';
import type { SctpLayer } from './packet.ts';

const HEADER = 12;

export function readSctp(cursor: Cursor): number {
  return has(cursor, HEADER) ? endWithData(cursor, HEADER) : 0;
}

export function sctpLayer({ bytes, offset }: Cursor, length: number): SctpLayer {
  const [sourcePort, destinationPort] = [u16(bytes, offset), u16(bytes, offset + 2)];
  return { kind: 'sctp', offset, length, sourcePort, destinationPort, tag: u32(bytes, offset + 4) };
}

/** Types of chunks that carry data, and how many bytes come before it (RFC 9260, RFC 8260). */
const DATA_HEADERS: { readonly [type: number]: number } = { 0: 16, 64: 20 };

/** Returns where data lies in an SCTP packet, from its first chunk on, and of which stream it is. */
export function dataChunks(
  bytes: Uint8Array,
  start: number,
  end: number,
): { stream: number; start: number; end: number }[] {
  const chunks: { stream: number; start: number; end: number }[] = [];
  for (let at = start; at + 4 <= end; ) {
    const length = u16(bytes, at + 2);
    if (length < 4) break;
    const header = DATA_HEADERS[u8(bytes, at)];
    const until = Math.min(end, at + length);
    if (header !== undefined && at + header < until) {
      chunks.push({ stream: u16(bytes, at + 8), start: at + header, end: until });
    }
    at += (length + 3) & ~3;
  }
  return chunks;
}
