import { formatHardwareAddress, formatIpv4 } from '../net/addresses.ts';
import { u8, u16, u32, u32le } from '../net/bytes.ts';
import { type Cursor, endWithData, follow, has, limit, malformed, Protocol } from './cursor.ts';
import type { EthernetLayer, LlcLayer, LoopbackLayer, NflogLayer, Sll2Layer, SllLayer, VlanLayer } from './packet.ts';
import { followEtherType } from './protocols.ts';

const ETHERNET = 14;
const VLAN = 4;
const SLL = 16;
const SLL2 = 20;
const LOOPBACK = 4;
const NFLOG = 4;
const NFLOG_PAYLOAD = 9;

export function readEthernet(cursor: Cursor): number {
  if (!has(cursor, ETHERNET)) return 0;
  const type = u16(cursor.bytes, cursor.offset + 12);
  followEtherType(cursor, type, ETHERNET);
  // The type field of an 802.3 frame is its length.
  if (cursor.next === Protocol.llc && ETHERNET + type <= cursor.end - cursor.offset) limit(cursor, ETHERNET + type);
  return ETHERNET;
}

export function ethernetLayer({ bytes, offset }: Cursor, length: number): EthernetLayer {
  const destination = formatHardwareAddress(bytes, offset);
  const source = formatHardwareAddress(bytes, offset + 6);
  return { kind: 'ethernet', offset, length, destination, source, etherType: u16(bytes, offset + 12) };
}

/** Reads a tag of 802.1Q or 802.1ad. Its own type is in the header before it. */
export function readVlan(cursor: Cursor): number {
  if (!has(cursor, VLAN)) return 0;
  followEtherType(cursor, u16(cursor.bytes, cursor.offset + 2), VLAN);
  return VLAN;
}

export function vlanLayer({ bytes, offset }: Cursor, length: number, tagType: number): VlanLayer {
  const tag = u16(bytes, offset);
  const [priority, dropEligible, id] = [tag >> 13, (tag & 0x1000) !== 0, tag & 0xfff];
  return { kind: 'vlan', offset, length, tagType, priority, dropEligible, id, etherType: u16(bytes, offset + 2) };
}

export function readSll(cursor: Cursor): number {
  if (!has(cursor, SLL)) return 0;
  followEtherType(cursor, u16(cursor.bytes, cursor.offset + 14), SLL);
  return SLL;
}

export function sllLayer({ bytes, offset }: Cursor, length: number): SllLayer {
  return {
    kind: 'sll',
    offset,
    length,
    packetType: u16(bytes, offset),
    hardwareType: u16(bytes, offset + 2),
    addressLength: u16(bytes, offset + 4),
    source: cookedAddress(bytes, offset + 6, u16(bytes, offset + 4)),
    etherType: u16(bytes, offset + 14),
  };
}

export function readSll2(cursor: Cursor): number {
  if (!has(cursor, SLL2)) return 0;
  followEtherType(cursor, u16(cursor.bytes, cursor.offset), SLL2);
  return SLL2;
}

export function sll2Layer({ bytes, offset }: Cursor, length: number): Sll2Layer {
  return {
    kind: 'sll2',
    offset,
    length,
    packetType: u8(bytes, offset + 10),
    hardwareType: u16(bytes, offset + 8),
    interfaceIndex: u32(bytes, offset + 4),
    addressLength: u8(bytes, offset + 11),
    source: cookedAddress(bytes, offset + 12, u8(bytes, offset + 11)),
    etherType: u16(bytes, offset),
  };
}

/** Reads the address family in front of a packet of a loopback device (BSD), in either byte order. */
export function readLoopback(cursor: Cursor): number {
  if (!has(cursor, LOOPBACK)) return 0;
  followFamily(cursor, familyAt(cursor.bytes, cursor.offset));
  return LOOPBACK;
}

export function loopbackLayer({ bytes, offset }: Cursor, length: number): LoopbackLayer {
  return { kind: 'loopback', offset, length, family: familyAt(bytes, offset) };
}

/** Reads the header that netfilter's log puts before a packet: a family and values by type, of which the last is the packet. */
export function readNflog(cursor: Cursor): number {
  const { bytes, offset, end } = cursor;
  if (!has(cursor, NFLOG)) return 0;
  for (let at = offset + NFLOG; at + 4 <= end; ) {
    // Lengths and types are in the byte order of the machine, which is little-endian wherever this is used.
    const [size, type] = [u8(bytes, at) | (u8(bytes, at + 1) << 8), u8(bytes, at + 2) | (u8(bytes, at + 3) << 8)];
    if (size < 4) return malformed(cursor);
    if (type === NFLOG_PAYLOAD) {
      limit(cursor, at - offset + size);
      followFamily(cursor, u8(bytes, offset));
      return at - offset + 4;
    }
    at += (size + 3) & ~3;
  }
  cursor.ending = 'truncated';
  return 0;
}

export function nflogLayer({ bytes, offset }: Cursor, length: number): NflogLayer {
  return { kind: 'nflog', offset, length, family: u8(bytes, offset), group: u16(bytes, offset + 2) };
}

/** Reads the header of 802.3: services, and with SNAP an EtherType after all. */
export function readLlc(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, 3)) return 0;
  const services = u16(bytes, offset);
  if (services === 0xaaaa && u8(bytes, offset + 2) === 3) {
    if (!has(cursor, 8)) return 0;
    if ((u32(bytes, offset + 2) & 0xffffff) === 0) followEtherType(cursor, u16(bytes, offset + 6), 8);
    else follow(cursor, 'LLC service', services, Protocol.data);
    return 8;
  }
  // Spanning tree and its like speak to bridges; IS-IS to routers.
  const known = services === 0x4242 || services === 0xfefe;
  follow(cursor, 'LLC service', services, known ? Protocol.data : Protocol.unknown);
  return 3;
}

export function llcLayer({ bytes, offset }: Cursor, length: number): LlcLayer {
  return {
    kind: 'llc',
    offset,
    length,
    services: u16(bytes, offset),
    etherType: length === 8 ? u16(bytes, offset + 6) : 0,
  };
}

function familyAt(bytes: Uint8Array, offset: number): number {
  const little = u32le(bytes, offset);
  return little > 0xffff ? u32(bytes, offset) : little;
}

/** Sets what follows to the family of a number; IPv6 has those of Linux, NetBSD, FreeBSD and macOS. */
function followFamily(cursor: Cursor, family: number): void {
  if (family === 2) follow(cursor, 'EtherType', 0x0800, Protocol.ipv4);
  else if ([10, 24, 28, 30].includes(family)) follow(cursor, 'EtherType', 0x86dd, Protocol.ipv6);
  else endWithData(cursor, 0);
}

/**
 * Formats the address in a field of eight bytes: an Ethernet-like device uses six, a tunnel over IPv4 four, and other devices what
 * they like.
 */
function cookedAddress(bytes: Uint8Array, offset: number, length: number): string {
  if (length === 6) return formatHardwareAddress(bytes, offset);
  if (length === 4) return formatIpv4(bytes, offset);
  return Buffer.from(bytes.subarray(offset, offset + Math.min(8, length))).toString('hex');
}
