import { u8, u24, u32 } from '../net/bytes.ts';
import { type Cursor, Protocol } from './cursor.ts';
import { isEthernetAt } from './inner.ts';
import type { VxlanLayer } from './packet.ts';

const HEADER = 8;

/** The bit for a valid network identifier: the only one that receivers require. */
const VALID = 0x08;

/** The bit for a header that names what follows it (VXLAN-GPE). */
const NAMES_NEXT = 0x04;

/** Returns whether a port is VXLAN's: Calico and IANA use 4789, Cilium and older Linux 8472, VXLAN-GPE 4790. */
function isPort(port: number): boolean {
  return port === 4789 || port === 8472 || port === 4790;
}

/**
 * Returns whether a UDP payload is VXLAN (RFC 7348 §5): on its ports by the valid bit alone, on any other if reserved bits are 0 and
 * an Ethernet frame follows.
 */
export function isVxlan(destinationPort: number, bytes: Uint8Array, offset: number, end: number): boolean {
  if (offset + HEADER > end || (u8(bytes, offset) & VALID) === 0) return false;
  if (isPort(destinationPort)) return true;
  if (u8(bytes, offset) !== VALID || u24(bytes, offset + 1) !== 0) return false;
  return u8(bytes, offset + 7) === 0 && isEthernetAt(bytes, offset + HEADER, end);
}

/** Reads a header that `isVxlan`. */
export function readVxlan(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  cursor.network = u24(bytes, offset + 4);
  cursor.next = (u8(bytes, offset) & NAMES_NEXT) === 0 ? Protocol.ethernet : nextOfGpe(u32(bytes, offset) & 0xff);
  if (cursor.next === Protocol.unknown) [cursor.register, cursor.number] = ['EtherType', 0];
  return HEADER;
}

export function vxlanLayer({ bytes, offset }: Cursor, length: number): VxlanLayer {
  return { kind: 'vxlan', offset, length, vni: u24(bytes, offset + 4), flags: u8(bytes, offset) };
}

function nextOfGpe(number: number): Protocol {
  switch (number) {
    case 1:
      return Protocol.ipv4;
    case 2:
      return Protocol.ipv6;
    case 5:
      return Protocol.mpls;
    case 0:
    case 3:
      return Protocol.ethernet;
    default:
      return Protocol.unknown;
  }
}
