import { u16, u32 } from '../net/bytes.ts';
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
