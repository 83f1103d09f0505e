import { u16 } from '../net/bytes.ts';
import { type Cursor, has, limit, malformed, type Protocol, pass } from './cursor.ts';
import { isGeneve } from './geneve.ts';
import { isVxlan } from './vxlan.ts';
import { isWireguard } from './wireguard.ts';

const HEADER = 8;

/** Of NAT traversal for IPsec (RFC 3948). */
const NAT_TRAVERSAL_PORT = 4500;

export function decodeUdp(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, HEADER)) return undefined;
  const sourcePort = u16(bytes, offset);
  const destinationPort = u16(bytes, offset + 2);
  const datagramLength = u16(bytes, offset + 4);
  const checksum = u16(bytes, offset + 6);
  layers.push({ kind: 'udp', offset, length: HEADER, sourcePort, destinationPort, datagramLength, checksum });
  if (datagramLength !== 0 && datagramLength < HEADER) return malformed(cursor);
  if (datagramLength !== 0) limit(cursor, datagramLength);
  pass(cursor, HEADER);
  return whatFollows(cursor, sourcePort, destinationPort);
}

/** Tunnels are known by their port and the look of their header, WireGuard by the look of its message alone. */
function whatFollows(cursor: Cursor, sourcePort: number, destinationPort: number): Protocol | undefined {
  const { bytes, offset, end, declared } = cursor;
  if (isVxlan(destinationPort, bytes, offset, end)) return 'vxlan';
  if (isGeneve(destinationPort, bytes, offset, end)) return 'geneve';
  if (isWireguard(bytes, offset, end, declared)) return 'wireguard';
  return sourcePort === NAT_TRAVERSAL_PORT || destinationPort === NAT_TRAVERSAL_PORT ? 'udp-esp' : undefined;
}
