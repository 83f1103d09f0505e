import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, follow, has, limit, Protocol } from './cursor.ts';
import { followInner, ipVersionAt, isEthernetAt } from './inner.ts';
import type { MplsLayer, PppLayer, PppoeLayer } from './packet.ts';

const MPLS = 4;
const PPPOE = 6;

/** Reads one entry of a label stack. Nothing says what is under the last one: a packet, or a frame, perhaps after a control word. */
export function readMpls(cursor: Cursor): number {
  const { bytes, offset, end } = cursor;
  if (!has(cursor, MPLS)) return 0;
  const entry = u32(bytes, offset);
  cursor.network = entry >>> 12;
  cursor.number = cursor.network;
  const inner = offset + MPLS;
  if ((entry & 0x100) === 0) cursor.next = Protocol.mpls;
  else if (isEthernetAt(bytes, inner, end) && ipVersionAt(bytes, inner, end) === 0) cursor.next = Protocol.ethernet;
  else if (u8(bytes, inner) >> 4 === 0 && isEthernetAt(bytes, inner + 4, end)) {
    [cursor.skip, cursor.skipTo, cursor.next] = [4, Protocol.ethernet, Protocol.wrapper];
  } else if (u8(bytes, inner) >> 4 === 4) cursor.next = Protocol.ipv4;
  else if (u8(bytes, inner) >> 4 === 6) cursor.next = Protocol.ipv6;
  else followInner(cursor, inner, Protocol.unknown);
  if (cursor.next === Protocol.unknown) follow(cursor, 'EtherType', 0x8847, Protocol.unknown);
  return MPLS;
}

export function mplsLayer({ bytes, offset }: Cursor, length: number): MplsLayer {
  const entry = u32(bytes, offset);
  const [label, trafficClass, bottom] = [entry >>> 12, (entry >>> 9) & 7, (entry & 0x100) !== 0];
  return { kind: 'mpls', offset, length, label, trafficClass, bottom, ttl: entry & 0xff };
}

export function readPppoe(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, PPPOE)) return 0;
  cursor.network = u16(bytes, offset + 2);
  limit(cursor, PPPOE + u16(bytes, offset + 4));
  cursor.next = u16(bytes, offset) === 0x1100 ? Protocol.ppp : Protocol.data;
  return PPPOE;
}

export function pppoeLayer({ bytes, offset }: Cursor, length: number): PppoeLayer {
  return { kind: 'pppoe', offset, length, code: u8(bytes, offset + 1), session: u16(bytes, offset + 2) };
}

/** Reads PPP: perhaps address and control (HDLC), then a protocol of two bytes, or of one if that was agreed on. */
export function readPpp(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  const framed = u16(bytes, offset) === 0xff03 ? 2 : 0;
  const length = framed + (u8(bytes, offset + framed) & 1 ? 1 : 2);
  if (!has(cursor, length)) return 0;
  const protocol = pppProtocol(cursor, length);
  follow(cursor, 'PPP protocol', protocol, protocolOfPpp(protocol));
  if (cursor.next === Protocol.unknown) followInner(cursor, offset + length, Protocol.unknown);
  return length;
}

export function pppLayer(cursor: Cursor, length: number): PppLayer {
  return { kind: 'ppp', offset: cursor.offset, length, protocol: pppProtocol(cursor, length) };
}

function pppProtocol({ bytes, offset }: Cursor, length: number): number {
  const last = u8(bytes, offset + length - 1);
  return length % 2 === 1 ? last : (u8(bytes, offset + length - 2) << 8) | last;
}

function protocolOfPpp(protocol: number): Protocol {
  switch (protocol) {
    case 0x0021:
      return Protocol.ipv4;
    case 0x0057:
      return Protocol.ipv6;
    case 0x0281:
    case 0x0283:
      return Protocol.mpls;
    default:
      // From 0x8000 on, protocols negotiate and keep the link: LCP, IPCP, CHAP.
      return protocol >= 0x8000 ? Protocol.data : Protocol.unknown;
  }
}
