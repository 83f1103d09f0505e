import { u32 } from '../net/bytes.ts';
import { type Cursor, endWithData, has } from './cursor.ts';
import type { EspLayer } from './packet.ts';

const HEADER = 8;

export function readEsp(cursor: Cursor): number {
  return has(cursor, HEADER) ? endWithData(cursor, HEADER) : 0;
}

export function espLayer({ bytes, offset }: Cursor, length: number, before: number): EspLayer {
  const [spi, sequence] = [u32(bytes, offset), u32(bytes, offset + 4)];
  return { kind: 'esp', offset, length, spi, sequence, inUdp: before === IN_UDP };
}

/** The cursor's number before ESP in UDP, which no number of an IP protocol is. */
export const IN_UDP = -1;

/** Returns whether a payload of UDP port 4500 is ESP: an SPI of 0 marks IKE, a lone byte is a keepalive (RFC 3948 §2). */
export function isEspInUdp(bytes: Uint8Array, offset: number, end: number): boolean {
  return end - offset >= HEADER && u32(bytes, offset) !== 0;
}
