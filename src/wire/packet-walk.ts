import { mix, u8, u16, u32 } from '../net/bytes.ts';
import { begin, type Cursor, newCursor, Protocol, pass, type Register } from './cursor.ts';
import { firstOfIp, firstProtocol, headerFacts } from './header-table.ts';
import { type Ending, MAX_LAYERS } from './packet.ts';

/** A TCP header whose flags can be read. */
const WHOLE_TCP = 20;

/**
 * The result of a walk over a packet's headers. One object serves every packet: that, and reading nothing but what it
 * needs, makes the walk several times as fast as `decodeFrame`, with which it shares the table of headers.
 */
export interface Walked {
  /** A TCP segment, an IP fragment, the data chunks of SCTP, other data of an IP packet, or none of these. */
  kind: 'segment' | 'fragment' | 'sctp' | 'datagram' | 'other';
  /** A hash of the encapsulations around the innermost IP header; 0 if there are none. */
  path: number;
  /** Two hashes that together name the flow (path, addresses, ports), or the fragmented datagram (path, addresses, identification). */
  key: number;
  check: number;
  /** The bytes of the segment, fragment or datagram: from `start` up to `end`. */
  start: number;
  end: number;
  sequence: number;
  flags: number;
  /** The offset after the last urgent byte of a segment, counted from `start`; 0 if no byte is urgent. */
  urgent: number;
  /** The offset of a fragment's IP header, and of the byte that names the protocol of its data. */
  header: number;
  protocolAt: number;
  protocol: number;
  /** The place of a fragment in its datagram, and whether others come after it. */
  position: number;
  more: boolean;
  /** Why the walk ended where it did; `unknown` if what follows has a number that no header here has. */
  ending: Ending | 'unknown';
  number: number;
  register: Register;
}

const cursor: Cursor = newCursor();

export function newWalked(): Walked {
  return {
    kind: 'other',
    path: 0,
    key: 0,
    check: 0,
    start: 0,
    end: 0,
    sequence: 0,
    flags: 0,
    urgent: 0,
    header: 0,
    protocolAt: 0,
    protocol: 0,
    position: 0,
    more: false,
    ending: 'complete',
    number: 0,
    register: 'EtherType',
  };
}

/** Walks a frame from its link layer. */
export function walkFrame(walked: Walked, bytes: Uint8Array, linkType: number): void {
  begin(cursor, bytes, 0, bytes.length);
  walked.path = 0;
  walk(walked, firstProtocol(cursor, linkType));
}

/** Walks bytes that begin with an IP header, like a datagram put together from fragments, which was found on a path. */
export function walkIp(walked: Walked, bytes: Uint8Array, path: number): void {
  begin(cursor, bytes, 0, bytes.length);
  walked.path = path;
  walk(walked, firstOfIp(cursor));
}

function walk(walked: Walked, first: Protocol): void {
  let protocol = first;
  let ipHeaders = 0;
  walked.kind = 'other';
  walked.urgent = 0;
  for (let headers = 0; protocol > Protocol.unknown; headers++) {
    if (headers >= MAX_LAYERS) cursor.ending = 'too deep';
    const length = headers >= MAX_LAYERS ? 0 : headerFacts(protocol).read(cursor);
    if (length === 0) break;
    const { bytes, offset } = cursor;
    switch (protocol) {
      case Protocol.ipv4:
      case Protocol.ipv6:
        if (ipHeaders > 0) enter(walked, protocol);
        ipHeaders += 1;
        walked.header = offset;
        if (protocol === Protocol.ipv4) nameAddresses(walked, bytes, offset + 12, 8);
        else nameAddresses(walked, bytes, offset + 8, 32);
        if (protocol === Protocol.ipv4 && (cursor.more || cursor.position > 0)) {
          // RFC 791 names a datagram by its protocol too; RFC 8200 does not.
          walked.protocol = u8(bytes, offset + 9);
          nameDatagram(walked, u16(bytes, offset + 4), length);
          name(walked, walked.protocol);
          return;
        }
        break;
      case Protocol.ipv6Fragment:
        if (cursor.more || cursor.position > 0) {
          walked.protocol = u8(bytes, offset);
          nameDatagram(walked, u32(bytes, offset + 4), length);
          return;
        }
        break;
      case Protocol.tcp:
        if (length >= WHOLE_TCP) nameSegment(walked, bytes, offset, length);
        end(walked, length);
        return;
      case Protocol.udp:
      case Protocol.sctp:
        name(walked, protocol);
        name(walked, u32(bytes, offset));
        break;
      case Protocol.icmp:
      case Protocol.icmpv6:
        name(walked, protocol);
        // An echo's flow is named by its identifier; the sequence number after it counts up.
        name(walked, u16(bytes, offset) * 0x10000 + u16(bytes, offset + 4));
        break;
      case Protocol.esp:
      case Protocol.wireguard:
        name(walked, protocol);
        break;
      case Protocol.mpls:
      case Protocol.pppoe:
      case Protocol.vxlan:
      case Protocol.geneve:
      case Protocol.gre:
      case Protocol.erspan2:
      case Protocol.erspan3:
      case Protocol.gtp:
      case Protocol.l2tp:
      case Protocol.wrapper:
        enter(walked, cursor.network);
        break;
    }
    pass(cursor, length);
    if (cursor.next <= Protocol.unknown && ipHeaders > 0) {
      walked.kind = protocol === Protocol.sctp ? 'sctp' : 'datagram';
    }
    protocol = cursor.next;
  }
  if (protocol === Protocol.unknown) name(walked, cursor.number);
  end(walked, 0);
  if (protocol === Protocol.unknown) walked.ending = 'unknown';
}

/** Notes the bytes after the last header, and why there are no more headers. */
function end(walked: Walked, length: number): void {
  walked.start = cursor.offset + length;
  walked.end = cursor.end;
  walked.ending = cursor.ending;
  walked.number = cursor.number;
  walked.register = cursor.register;
}

function nameSegment(walked: Walked, bytes: Uint8Array, offset: number, length: number): void {
  name(walked, Protocol.tcp);
  name(walked, u32(bytes, offset));
  walked.kind = 'segment';
  walked.sequence = u32(bytes, offset + 4);
  walked.flags = u8(bytes, offset + 13);
  const pointer = u16(bytes, offset + 18);
  const data = cursor.end - offset - length;
  walked.urgent = (walked.flags & 0x20) !== 0 && pointer > 0 && pointer <= data ? pointer : 0;
}

function nameDatagram(walked: Walked, identification: number, length: number): void {
  walked.kind = 'fragment';
  name(walked, identification);
  walked.position = cursor.position;
  walked.more = cursor.more;
  walked.protocolAt = cursor.nextAt;
  end(walked, length);
  // A first fragment is only part of its datagram, which is no loss; missing bytes of its own are one.
  walked.ending = cursor.declared > cursor.end - cursor.offset ? 'truncated' : 'complete';
}

/** Notes one more encapsulation: on another network the same addresses may belong to other hosts. */
function enter(walked: Walked, network: number): void {
  walked.path = mix(walked.path ^ 0x5bd1e995, network, 0xc2b2ae35);
}

function nameAddresses(walked: Walked, bytes: Uint8Array, offset: number, length: number): void {
  walked.key = walked.path;
  walked.check = walked.path;
  for (let i = 0; i < length; i += 4) name(walked, u32(bytes, offset + i));
}

function name(walked: Walked, value: number): void {
  walked.key = mix(walked.key, value, 0x9e3779b1);
  walked.check = mix(walked.check, value, 0x85ebca6b);
}
