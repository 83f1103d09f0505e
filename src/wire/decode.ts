import { begin, type Cursor, newCursor, Protocol, pass } from './cursor.ts';
import { firstOfIp, firstProtocol, headerFacts } from './header-table.ts';
import { type Frame, type Layer, MAX_LAYERS, type Packet } from './packet.ts';

/** An ICMP error must not quote another one (RFC 1122 §3.2.2); one more is room for those that do. */
const MAX_QUOTES = 2;

/** Decodes a frame, as far as its bytes and protocols are understood. Never throws: `ending` says where it ended and why. */
export function decodeFrame({ bytes, linkType }: Pick<Frame, 'bytes' | 'linkType'>): Packet {
  const cursor = newCursor();
  begin(cursor, bytes, 0, bytes.length);
  return decodeAll(cursor, firstProtocol(cursor, linkType), 0);
}

/** Decodes bytes that begin with an IP header, like a datagram put together from fragments. */
export function decodeIpPacket(bytes: Uint8Array): Packet {
  const cursor = newCursor();
  begin(cursor, bytes, 0, bytes.length);
  return decodeAll(cursor, firstOfIp(cursor), 0);
}

function decodeAll(cursor: Cursor, first: Protocol, quotedIn: number): Packet {
  const layers: Layer[] = [];
  let protocol = first;
  while (protocol > Protocol.unknown) {
    if (layers.length >= MAX_LAYERS) {
      cursor.ending = 'too deep';
      break;
    }
    const facts = headerFacts(protocol);
    const { number } = cursor;
    const length = facts.read(cursor);
    if (length === 0) break;
    const layer = facts.layer(cursor, length, number);
    pass(cursor, length);
    layers.push(isError(layer) ? { ...layer, quoted: decodeQuoted(cursor, layer.kind, quotedIn) } : layer);
    protocol = cursor.next;
  }
  const { bytes, offset, end, ending } = cursor;
  return { bytes, layers, payload: { offset, length: end - offset }, ending };
}

function isError(layer: Layer): layer is Extract<Layer, { kind: 'icmp' | 'icmpv6' }> {
  return (layer.kind === 'icmp' || layer.kind === 'icmpv6') && layer.isError;
}

/** Decodes the packet that an ICMP error quotes; its bytes stay part of the payload as well. */
function decodeQuoted({ bytes, offset, end }: Cursor, kind: 'icmp' | 'icmpv6', quotedIn: number): Packet | undefined {
  if (quotedIn >= MAX_QUOTES || offset >= end) return undefined;
  const cursor = newCursor();
  begin(cursor, bytes, offset, end);
  return decodeAll(cursor, kind === 'icmp' ? Protocol.ipv4 : Protocol.ipv6, quotedIn + 1);
}
