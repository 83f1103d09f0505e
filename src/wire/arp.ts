import { formatHardwareAddress, formatIpv4 } from '../net/addresses.ts';
import { u16, u32 } from '../net/bytes.ts';
import { type Cursor, has, pass } from './cursor.ts';

const ARP = 28;

/** Hardware type Ethernet, protocol type IPv4, then the lengths of their addresses: the only ARP there is in practice. */
const ETHERNET = 1;
const IPV4_WITH_LENGTHS = 0x08000604;

export function decodeArp(cursor: Cursor): undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, ARP)) return;
  if (u16(bytes, offset) !== ETHERNET || u32(bytes, offset + 2) !== IPV4_WITH_LENGTHS) return;
  layers.push({
    kind: 'arp',
    offset,
    length: ARP,
    operation: u16(bytes, offset + 6),
    senderHardware: formatHardwareAddress(bytes, offset + 8),
    sender: formatIpv4(bytes, offset + 14),
    targetHardware: formatHardwareAddress(bytes, offset + 18),
    target: formatIpv4(bytes, offset + 24),
  });
  pass(cursor, ARP);
  cursor.end = cursor.offset;
}
