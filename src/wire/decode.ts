import { u8 } from '../net/bytes.ts';
import { decodeArp } from './arp.ts';
import { type Cursor, cursorAt, has, malformed, type Protocol } from './cursor.ts';
import { decodeEsp, decodeEspInUdp } from './esp.ts';
import { decodeGeneve } from './geneve.ts';
import { decodeIcmp, decodeIcmpv6 } from './icmp.ts';
import { decodeIpv4 } from './ipv4.ts';
import { decodeIpv6, decodeIpv6Extension, decodeIpv6Fragment } from './ipv6.ts';
import { decodeEthernet, decodeSll, decodeSll2, decodeVlan } from './link-layer.ts';
import { type Frame, LinkType, MAX_LAYERS, type Packet } from './packet.ts';
import { decodeTcp } from './tcp.ts';
import { decodeUdp } from './udp.ts';
import { decodeVxlan } from './vxlan.ts';
import { decodeWireguard } from './wireguard.ts';

/** An ICMP error must not quote another one (RFC 1122 §3.2.2); one more is room for those that do. */
const MAX_QUOTES = 2;

const decoders: Record<Protocol, (cursor: Cursor) => Protocol | undefined> = {
  ethernet: decodeEthernet,
  vlan: decodeVlan,
  sll: decodeSll,
  sll2: decodeSll2,
  ip: chooseIpVersion,
  arp: decodeArp,
  ipv4: decodeIpv4,
  ipv6: decodeIpv6,
  'ipv6-extension': decodeIpv6Extension,
  'ipv6-fragment': decodeIpv6Fragment,
  tcp: decodeTcp,
  udp: decodeUdp,
  icmp: (cursor) => decodeIcmp(cursor, decodeQuoted),
  icmpv6: (cursor) => decodeIcmpv6(cursor, decodeQuoted),
  esp: decodeEsp,
  'udp-esp': decodeEspInUdp,
  vxlan: decodeVxlan,
  geneve: decodeGeneve,
  wireguard: decodeWireguard,
};

/** Takes a frame apart, as far as its bytes and protocols are understood. Never throws: `ending` says where it ended and why. */
export function decodeFrame(frame: Pick<Frame, 'bytes' | 'linkType'>): Packet {
  const { bytes, linkType } = frame;
  return decodeAll(cursorAt(bytes, 0, bytes.length, 0), protocolOfLinkType(linkType));
}

/** Takes bytes apart that begin with an IP header, as a datagram that was put together from fragments does. */
export function decodeIpPacket(bytes: Uint8Array): Packet {
  return decodeAll(cursorAt(bytes, 0, bytes.length, 0), 'ip');
}

function decodeQuoted(cursor: Cursor, protocol: Protocol): Packet | undefined {
  const { bytes, offset, end, quotedIn } = cursor;
  if (quotedIn >= MAX_QUOTES || offset >= end) return undefined;
  return decodeAll(cursorAt(bytes, offset, end, quotedIn + 1), protocol);
}

function decodeAll(cursor: Cursor, protocol: Protocol | undefined): Packet {
  let next = protocol;
  while (next) {
    if (cursor.layers.length >= MAX_LAYERS) {
      cursor.ending = 'too deep';
      break;
    }
    next = decoders[next](cursor);
  }
  const { bytes, layers, offset, end, ending } = cursor;
  return { bytes, layers, payload: { offset, length: end - offset }, ending };
}

function protocolOfLinkType(linkType: number): Protocol | undefined {
  switch (linkType) {
    case LinkType.ethernet:
      return 'ethernet';
    case LinkType.sll:
      return 'sll';
    case LinkType.sll2:
      return 'sll2';
    case LinkType.raw:
    case LinkType.rawBsd:
    case LinkType.rawOpenBsd:
    case LinkType.ipv4:
    case LinkType.ipv6:
      return 'ip';
    default:
      return undefined;
  }
}

function chooseIpVersion(cursor: Cursor): Protocol | undefined {
  if (!has(cursor, 1)) return undefined;
  switch (u8(cursor.bytes, cursor.offset) >> 4) {
    case 4:
      return 'ipv4';
    case 6:
      return 'ipv6';
    default:
      return malformed(cursor);
  }
}
