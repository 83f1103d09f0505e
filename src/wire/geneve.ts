import { u8, u16, u24 } from '../net/bytes.ts';
import { type Cursor, has } from './cursor.ts';
import { ipVersionAt, isEthernetAt } from './inner.ts';
import type { GeneveLayer } from './packet.ts';
import { followEtherType } from './protocols.ts';

const SHORTEST = 8;
const PORT = 6081;
const ETHERNET = 0x6558;

/**
 * Returns whether a UDP payload is Geneve (RFC 8926): on its port by the version alone, on any other if reserved bits are 0 and
 * the packet that the header names follows.
 */
export function isGeneve(destinationPort: number, bytes: Uint8Array, offset: number, end: number): boolean {
  // The version is in the first two bits.
  if (offset + SHORTEST > end || u8(bytes, offset) >> 6 !== 0) return false;
  if (destinationPort === PORT) return true;
  if ((u8(bytes, offset + 1) & 0x3f) !== 0 || u8(bytes, offset + 7) !== 0) return false;
  const protocol = u16(bytes, offset + 2);
  const inner = offset + headerLength(bytes, offset);
  if (protocol === ETHERNET) return isEthernetAt(bytes, inner, end);
  return (protocol === 0x0800 || protocol === 0x86dd) && ipVersionAt(bytes, inner, end) !== 0;
}

/** Reads a header that `isGeneve`. */
export function readGeneve(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  const length = headerLength(bytes, offset);
  if (!has(cursor, length)) return 0;
  cursor.network = u24(bytes, offset + 4);
  followEtherType(cursor, u16(bytes, offset + 2), length);
  return length;
}

export function geneveLayer({ bytes, offset }: Cursor, length: number): GeneveLayer {
  const [protocol, vni, flags] = [u16(bytes, offset + 2), u24(bytes, offset + 4), u8(bytes, offset + 1)];
  return { kind: 'geneve', offset, length, vni, protocol, flags };
}

/** Returns the header's length; options count in units of 4 bytes. */
function headerLength(bytes: Uint8Array, offset: number): number {
  return SHORTEST + (u8(bytes, offset) & 0x3f) * 4;
}
