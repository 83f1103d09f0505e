import { u8, u16, u24 } from '../net/bytes.ts';
import { type Cursor, has, type Protocol, pass, protocolOfEtherType } from './cursor.ts';

const SHORTEST = 8;

/** Version 0 of RFC 8926, whose first two bits are 0. */
export function isGeneve(destinationPort: number, bytes: Uint8Array, offset: number, end: number): boolean {
  return destinationPort === 6081 && offset + SHORTEST <= end && u8(bytes, offset) >> 6 === 0;
}

/** The header and its options, in bytes. */
export function geneveLength(bytes: Uint8Array, offset: number): number {
  return SHORTEST + (u8(bytes, offset) & 0x3f) * 4;
}

/** To be called where `isGeneve`. */
export function decodeGeneve(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  const length = geneveLength(bytes, offset);
  if (!has(cursor, length)) return undefined;
  const protocol = u16(bytes, offset + 2);
  layers.push({ kind: 'geneve', offset, length, vni: u24(bytes, offset + 4), protocol, flags: u8(bytes, offset + 1) });
  pass(cursor, length);
  cursor.number = protocol;
  return protocolOfEtherType(protocol);
}
