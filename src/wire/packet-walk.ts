import { mix, u8, u16, u24, u32 } from '../net/bytes.ts';
import { geneveLength, isGeneve } from './geneve.ts';
import { extensionLength, isExtension } from './ipv6.ts';
import { LinkType } from './packet.ts';
import { isVxlan, VXLAN_HEADER } from './vxlan.ts';

/** As in the full decoding: no packet has more headers than this. */
const MAX_HEADERS = 40;

/**
 * What is left of a packet when its headers are walked over: a TCP segment, an IP fragment, or neither. One object is used
 * for every packet: that, and looking at nothing but what it needs, makes the walk ten times as fast as `decodeFrame`.
 */
export interface Walked {
  kind: 'segment' | 'fragment' | 'other';
  /** A hash of the encapsulations around the innermost IP header; 0 where there are none. */
  path: number;
  /** Two hashes which together name the flow (path, addresses, ports) or the fragmented datagram (path, addresses, identification). */
  key: number;
  check: number;
  /** The bytes of the segment or fragment: from `start` up to `end`. */
  start: number;
  end: number;
  sequence: number;
  flags: number;
  /** Of the fragment: where its IP header starts, and the byte that names the protocol of its data. */
  header: number;
  protocolAt: number;
  protocol: number;
  /** Where in the datagram the fragment belongs, and whether others come after it. */
  position: number;
  more: boolean;
}

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
    header: 0,
    protocolAt: 0,
    protocol: 0,
    position: 0,
    more: false,
  };
}

/** Walks a frame from its link layer. */
export function walkFrame(walked: Walked, bytes: Uint8Array, linkType: number): void {
  begin(walked, 0, bytes.length);
  switch (linkType) {
    case LinkType.ethernet:
      ethernet(walked, bytes, 0, 0);
      break;
    case LinkType.sll:
      if (bytes.length >= 16) etherType(walked, bytes, u16(bytes, 14), 16, 1);
      break;
    case LinkType.sll2:
      if (bytes.length >= 20) etherType(walked, bytes, u16(bytes, 0), 20, 1);
      break;
    case LinkType.raw:
    case LinkType.rawBsd:
    case LinkType.rawOpenBsd:
    case LinkType.ipv4:
    case LinkType.ipv6:
      ip(walked, bytes);
      break;
  }
}

/** Walks bytes that begin with an IP header, as a datagram put together from fragments does, found on a path. */
export function walkIp(walked: Walked, bytes: Uint8Array, path: number): void {
  begin(walked, path, bytes.length);
  ip(walked, bytes);
}

function begin(walked: Walked, path: number, end: number): void {
  walked.kind = 'other';
  walked.path = path;
  walked.end = end;
}

function ip(walked: Walked, bytes: Uint8Array): void {
  if (u8(bytes, 0) >> 4 === 4) ipv4(walked, bytes, 0, 0);
  else ipv6(walked, bytes, 0, 0);
}

function ethernet(walked: Walked, bytes: Uint8Array, offset: number, headers: number): void {
  if (offset + 14 <= walked.end) etherType(walked, bytes, u16(bytes, offset + 12), offset + 14, headers + 1);
}

function etherType(walked: Walked, bytes: Uint8Array, type: number, offset: number, headers: number): void {
  let [following, at, count] = [type, offset, headers];
  while (following === 0x8100 || following === 0x88a8) {
    if (at + 4 > walked.end || count >= MAX_HEADERS) return;
    following = u16(bytes, at + 2);
    at += 4;
    count += 1;
  }
  if (following === 0x0800) ipv4(walked, bytes, at, count);
  else if (following === 0x86dd) ipv6(walked, bytes, at, count);
  else if (following === 0x6558 && count < MAX_HEADERS) ethernet(walked, bytes, at, count);
}

function ipv4(walked: Walked, bytes: Uint8Array, offset: number, headers: number): void {
  const length = (u8(bytes, offset) & 0x0f) * 4;
  if (headers >= MAX_HEADERS || u8(bytes, offset) >> 4 !== 4 || length < 20 || offset + length > walked.end) return;
  const total = u16(bytes, offset + 2);
  if (total !== 0) {
    if (total < length) return;
    walked.end = Math.min(walked.end, offset + total);
  }
  nameAddresses(walked, bytes, offset + 12, 8);
  const fragmentation = u16(bytes, offset + 6);
  const protocol = u8(bytes, offset + 9);
  if ((fragmentation & 0x3fff) === 0) {
    transport(walked, bytes, protocol, offset + length, headers + 1);
    return;
  }
  fragment(walked, u16(bytes, offset + 4), (fragmentation & 0x1fff) * 8, (fragmentation & 0x2000) !== 0);
  setHeader(walked, offset, offset + 9, protocol, offset + length);
}

function ipv6(walked: Walked, bytes: Uint8Array, offset: number, headers: number): void {
  if (headers >= MAX_HEADERS || offset + 40 > walked.end || u8(bytes, offset) >> 4 !== 6) return;
  const payload = u16(bytes, offset + 4);
  if (payload !== 0) walked.end = Math.min(walked.end, offset + 40 + payload);
  nameAddresses(walked, bytes, offset + 8, 32);
  let [next, nextAt, at, count] = [u8(bytes, offset + 6), offset + 6, offset + 40, headers + 1];
  for (; ; count++) {
    if (count >= MAX_HEADERS) return;
    if (!isExtension(next) && next !== 44) break;
    if (at + 8 > walked.end) return;
    const fragmentation = u16(bytes, at + 2);
    const length = next === 44 ? 8 : extensionLength(next, u8(bytes, at + 1));
    if (at + length > walked.end) return;
    if (next === 44 && (fragmentation & 0xfff9) !== 0) {
      fragment(walked, u32(bytes, at + 4), fragmentation & 0xfff8, (fragmentation & 1) !== 0);
      setHeader(walked, offset, nextAt, u8(bytes, at), at + 8);
      return;
    }
    [next, nextAt, at] = [u8(bytes, at), at, at + length];
  }
  transport(walked, bytes, next, at, count);
}

function transport(walked: Walked, bytes: Uint8Array, protocol: number, offset: number, headers: number): void {
  if (headers >= MAX_HEADERS) return;
  if (protocol === 6) tcp(walked, bytes, offset);
  else if (protocol === 17) udp(walked, bytes, offset, headers);
  else if (protocol === 4 || protocol === 41) {
    enter(walked, protocol);
    if (protocol === 4) ipv4(walked, bytes, offset, headers);
    else ipv6(walked, bytes, offset, headers);
  }
}

function tcp(walked: Walked, bytes: Uint8Array, offset: number): void {
  const length = (u8(bytes, offset + 12) >> 4) * 4;
  if (offset + 20 > walked.end || length < 20 || offset + length > walked.end) return;
  name(walked, u32(bytes, offset));
  walked.kind = 'segment';
  walked.start = offset + length;
  walked.sequence = u32(bytes, offset + 4);
  walked.flags = u8(bytes, offset + 13);
}

function udp(walked: Walked, bytes: Uint8Array, offset: number, headers: number): void {
  if (offset + 8 > walked.end || headers + 2 > MAX_HEADERS) return;
  const length = u16(bytes, offset + 4);
  if (length !== 0) {
    if (length < 8) return;
    walked.end = Math.min(walked.end, offset + length);
  }
  const destinationPort = u16(bytes, offset + 2);
  const payload = offset + 8;
  if (isVxlan(destinationPort, bytes, payload, walked.end)) {
    enter(walked, u24(bytes, payload + 4));
    if (headers + 2 < MAX_HEADERS) ethernet(walked, bytes, payload + VXLAN_HEADER, headers + 2);
  } else if (isGeneve(destinationPort, bytes, payload, walked.end)) {
    const inner = payload + geneveLength(bytes, payload);
    if (inner > walked.end || headers + 2 >= MAX_HEADERS) return;
    enter(walked, u24(bytes, payload + 4));
    etherType(walked, bytes, u16(bytes, payload + 2), inner, headers + 2);
  }
}

/** One more encapsulation: the addresses of the same flow may be others' on another network. */
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

function fragment(walked: Walked, identification: number, position: number, more: boolean): void {
  walked.kind = 'fragment';
  name(walked, identification);
  walked.position = position;
  walked.more = more;
}

function setHeader(walked: Walked, header: number, protocolAt: number, protocol: number, start: number): void {
  // RFC 791 names a datagram by its protocol too; RFC 8200 does not.
  if (header + 9 === protocolAt) name(walked, protocol);
  walked.header = header;
  walked.protocolAt = protocolAt;
  walked.protocol = protocol;
  walked.start = start;
}
