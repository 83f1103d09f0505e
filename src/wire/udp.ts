import { u16 } from '../net/bytes.ts';
import { type Cursor, endWithData, has, limit, Protocol } from './cursor.ts';
import { IN_UDP, isEspInUdp } from './esp.ts';
import { isGeneve } from './geneve.ts';
import { isGtp } from './gtp.ts';
import { followInner } from './inner.ts';
import { isL2tp, L2TP_IN_UDP } from './l2tp.ts';
import type { UdpLayer } from './packet.ts';
import { isVxlan } from './vxlan.ts';
import { isWireguard } from './wireguard.ts';

const HEADER = 8;

/** The port of NAT traversal for IPsec (RFC 3948). */
const NAT_TRAVERSAL_PORT = 4500;

export function readUdp(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, HEADER)) return 0;
  const length = u16(bytes, offset + 4);
  if (length !== 0 && length < HEADER) {
    cursor.ending = 'malformed';
    return endWithData(cursor, HEADER);
  }
  if (length !== 0) limit(cursor, length);
  followUdp(cursor, u16(bytes, offset), u16(bytes, offset + 2));
  return HEADER;
}

export function udpLayer({ bytes, offset }: Cursor, length: number): UdpLayer {
  return {
    kind: 'udp',
    offset,
    length,
    sourcePort: u16(bytes, offset),
    destinationPort: u16(bytes, offset + 2),
    datagramLength: u16(bytes, offset + 4),
    checksum: u16(bytes, offset + 6),
  };
}

/** Sets what follows: tunnels by port and by the form of their header, WireGuard by the form of its message, IP by its own. */
function followUdp(cursor: Cursor, from: number, to: number): void {
  const { bytes, end, declared } = cursor;
  const at = cursor.offset + HEADER;
  cursor.number = 0;
  if (isVxlan(to, bytes, at, end)) cursor.next = Protocol.vxlan;
  else if (isGeneve(to, bytes, at, end)) cursor.next = Protocol.geneve;
  else if (isWireguard(bytes, at, end, declared - HEADER)) cursor.next = Protocol.wireguard;
  else if (from === NAT_TRAVERSAL_PORT || to === NAT_TRAVERSAL_PORT) {
    cursor.number = IN_UDP;
    cursor.next = isEspInUdp(bytes, at, end) ? Protocol.esp : Protocol.data;
  } else if (isGtp(from, to, bytes, at, end)) cursor.next = Protocol.gtp;
  else if (isL2tp(from, to, bytes, at, end)) {
    cursor.number = L2TP_IN_UDP;
    cursor.next = Protocol.l2tp;
  } else followInner(cursor, at, Protocol.data);
}
