import { formatHardwareAddress, formatIpv4 } from '../net/addresses.ts';
import { u16, u32 } from '../net/bytes.ts';
import { type Cursor, endWithData, has } from './cursor.ts';
import type { ArpLayer } from './packet.ts';

const ARP = 28;

/** Hardware type Ethernet, protocol type IPv4, then the lengths of their addresses: the only ARP there is in practice. */
const ETHERNET = 1;
const IPV4_WITH_LENGTHS = 0x08000604;

/** Reads ARP for IPv4 over Ethernet; any other ARP is data. */
export function readArp(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  cursor.next = 0;
  if (!has(cursor, ARP)) return 0;
  if (u16(bytes, offset) !== ETHERNET || u32(bytes, offset + 2) !== IPV4_WITH_LENGTHS) return 0;
  cursor.end = offset + ARP;
  return endWithData(cursor, ARP);
}

export function arpLayer({ bytes, offset }: Cursor, length: number): ArpLayer {
  return {
    kind: 'arp',
    offset,
    length,
    operation: u16(bytes, offset + 6),
    senderHardware: formatHardwareAddress(bytes, offset + 8),
    sender: formatIpv4(bytes, offset + 14),
    targetHardware: formatHardwareAddress(bytes, offset + 18),
    target: formatIpv4(bytes, offset + 24),
  };
}
