import { u8, u24 } from '../net/bytes.ts';
import { type Cursor, type Protocol, pass } from './cursor.ts';

/** The header's length (RFC 7348 §5). */
export const VXLAN_HEADER = 8;

/** Says that the network identifier is valid: the one bit that a receiver insists on. */
const VALID = 0x08;

/** Calico and IANA use 4789, Cilium and older Linux 8472. */
export function isVxlan(destinationPort: number, bytes: Uint8Array, offset: number, end: number): boolean {
  if (destinationPort !== 4789 && destinationPort !== 8472) return false;
  return offset + VXLAN_HEADER <= end && (u8(bytes, offset) & VALID) !== 0;
}

/** To be called where `isVxlan`. */
export function decodeVxlan(cursor: Cursor): Protocol {
  const { bytes, offset, layers } = cursor;
  const vni = u24(bytes, offset + 4);
  layers.push({ kind: 'vxlan', offset, length: VXLAN_HEADER, vni, flags: u8(bytes, offset) });
  pass(cursor, VXLAN_HEADER);
  return 'ethernet';
}
