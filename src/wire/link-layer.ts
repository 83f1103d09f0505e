import { formatHardwareAddress } from '../net/addresses.ts';
import { u8, u16, u32 } from '../net/bytes.ts';
import { type Cursor, has, type Protocol, pass, protocolOfEtherType } from './cursor.ts';

const ETHERNET = 14;
const VLAN = 4;
const SLL = 16;
const SLL2 = 20;

export function decodeEthernet(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, ETHERNET)) return undefined;
  const etherType = u16(bytes, offset + 12);
  const destination = formatHardwareAddress(bytes, offset);
  const source = formatHardwareAddress(bytes, offset + 6);
  layers.push({ kind: 'ethernet', offset, length: ETHERNET, destination, source, etherType });
  return follow(cursor, ETHERNET, etherType);
}

/** A tag of 802.1Q or 802.1ad. Its own type is what the header before says to follow. */
export function decodeVlan(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers, number: tagType } = cursor;
  if (!has(cursor, VLAN)) return undefined;
  const tag = u16(bytes, offset);
  const etherType = u16(bytes, offset + 2);
  const [priority, dropEligible, id] = [tag >> 13, (tag & 0x1000) !== 0, tag & 0xfff];
  layers.push({ kind: 'vlan', offset, length: VLAN, tagType, priority, dropEligible, id, etherType });
  return follow(cursor, VLAN, etherType);
}

export function decodeSll(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, SLL)) return undefined;
  const etherType = u16(bytes, offset + 14);
  layers.push({
    kind: 'sll',
    offset,
    length: SLL,
    packetType: u16(bytes, offset),
    hardwareType: u16(bytes, offset + 2),
    source: cookedAddress(bytes, offset + 6, u16(bytes, offset + 4)),
    etherType,
  });
  return follow(cursor, SLL, etherType);
}

export function decodeSll2(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, SLL2)) return undefined;
  const etherType = u16(bytes, offset);
  layers.push({
    kind: 'sll2',
    offset,
    length: SLL2,
    packetType: u8(bytes, offset + 10),
    hardwareType: u16(bytes, offset + 8),
    interfaceIndex: u32(bytes, offset + 4),
    source: cookedAddress(bytes, offset + 12, u8(bytes, offset + 11)),
    etherType,
  });
  return follow(cursor, SLL2, etherType);
}

function follow(cursor: Cursor, length: number, etherType: number): Protocol | undefined {
  cursor.number = etherType;
  pass(cursor, length);
  return protocolOfEtherType(etherType);
}

/** Eight bytes of room, of which an Ethernet-like device uses six and a tunnel device none. */
function cookedAddress(bytes: Uint8Array, offset: number, length: number): string {
  return length === 6 ? formatHardwareAddress(bytes, offset) : '';
}
