import { formatIpv4, formatIpv6 } from '../net/addresses.ts';
import { u8, u16 } from '../net/bytes.ts';
import { ipLayers, type Layer, type Packet } from '../wire/packet.ts';
import type { Networks } from './networks.ts';

/** Two pods whose addresses stood in one IP header, readable; a node is null where only the pool of the address is known. */
export interface PodHeader {
  readonly source: string;
  readonly destination: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** The first byte of an IPv4 header without options. */
const IPV4_WITHOUT_OPTIONS = 0x45;
const IPV4_LENGTH = 20;
const IPV6_LENGTH = 40;

/**
 * Every IP header in a frame that says that a pod talks to a pod, each pair of addresses once: outer and inner headers of the
 * encapsulations that the decoder knows, and what ICMP errors quote; then, whatever the encapsulation, any bytes that are an IPv4
 * header with the right checksum, or look like an IPv6 header, between addresses of pods. In random bytes the former happens
 * once in 2^56 places for a /16 of pods.
 */
export function podHeaders(packet: Packet, frame: Uint8Array, networks: Networks): PodHeader[] {
  const found = new Map<string, PodHeader>();
  const consider = (source: string, destination: string) => {
    const from = networks.owner(source);
    const to = networks.owner(destination);
    if (from?.kind !== 'pod' || to?.kind !== 'pod') return;
    found.set(`${source} ${destination}`, { source, destination, from: from.node, to: to.node });
  };
  for (const ip of decodedHeaders(packet)) consider(ip.source, ip.destination);
  scanIpv4(frame, consider);
  if (networks.hasIpv6Pods) scanIpv6(frame, networks, consider);
  return [...found.values()];
}

function decodedHeaders(packet: Packet): { source: string; destination: string }[] {
  return [...ipLayers(packet), ...packet.layers.flatMap(quotedHeaders)];
}

function quotedHeaders(layer: Layer): { source: string; destination: string }[] {
  if (layer.kind !== 'icmp' && layer.kind !== 'icmpv6') return [];
  return layer.quoted ? decodedHeaders(layer.quoted) : [];
}

function scanIpv4(frame: Uint8Array, consider: (source: string, destination: string) => void): void {
  const last = frame.length - IPV4_LENGTH;
  for (
    let at = frame.indexOf(IPV4_WITHOUT_OPTIONS);
    at >= 0 && at <= last;
    at = frame.indexOf(IPV4_WITHOUT_OPTIONS, at + 1)
  ) {
    if (checksumFits(frame, at)) consider(formatIpv4(frame, at + 12), formatIpv4(frame, at + 16));
  }
}

function checksumFits(frame: Uint8Array, at: number): boolean {
  let sum = 0;
  for (let i = at; i < at + IPV4_LENGTH; i += 2) sum += u16(frame, i);
  return ((sum & 0xffff) + (sum >>> 16)) % 0xffff === 0;
}

/** IPv6 headers have no checksum; two addresses of pods behind a version 6 must do, which no random bytes have. */
function scanIpv6(
  frame: Uint8Array,
  networks: Networks,
  consider: (source: string, destination: string) => void,
): void {
  for (let at = 0; at + IPV6_LENGTH <= frame.length; at++) {
    if (u8(frame, at) >> 4 !== 6) continue;
    if (!networks.inIpv6Pods(frame, at + 8) || !networks.inIpv6Pods(frame, at + 24)) continue;
    consider(formatIpv6(frame, at + 8), formatIpv6(frame, at + 24));
  }
}
