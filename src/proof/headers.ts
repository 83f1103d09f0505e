import { formatIpv4, formatIpv6 } from '../net/addresses.ts';
import { u8, u16 } from '../net/bytes.ts';
import { type IpLayer, type Layer, type Packet, TcpFlag } from '../wire/packet.ts';
import type { Networks, Owner } from './networks.ts';

/** An IP header in a frame, at any depth. */
export interface Header {
  readonly source: string;
  readonly destination: string;
  readonly from: Owner | undefined;
  readonly to: Owner | undefined;
  /** How it was found: by decoding (`direct` if no other IP header is around it), in an ICMP error, or by the look of the bytes. */
  readonly found: 'direct' | 'tunnelled' | 'quoted' | 'scanned';
  /** The header right around it. */
  readonly outer: Header | undefined;
  readonly protocol: string | null;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  /** True if the packet accepts a TCP connection (SYN and ACK). */
  readonly accepts: boolean;
}

const SHORTEST_IPV4 = 20;
const IPV6_LENGTH = 40;

/**
 * Returns every IP header in a frame: those that the decoder finds, those that ICMP errors quote; then any bytes, whatever is
 * around them, that are an IPv4 header with the right checksum or look like an IPv6 header, between two addresses of the cluster.
 * In random bytes the former happens once in 2^52 places for a /16 of pods.
 */
export function headersOf(packet: Packet, frame: Uint8Array, networks: Networks): Header[] {
  const headers = decodedHeaders(packet, networks);
  const known = new Set(headers.map(({ source, destination }) => `${source} ${destination}`));
  const consider = (source: string, destination: string) => {
    const ends = `${source} ${destination}`;
    if (known.has(ends)) return;
    known.add(ends);
    headers.push({ ...bare(source, destination, networks), found: 'scanned' });
  };
  scanIpv4(frame, networks, consider);
  if (networks.hasIpv6Pods) scanIpv6(frame, networks, consider);
  return headers;
}

function decodedHeaders(packet: Packet, networks: Networks, quoted = false): Header[] {
  const headers: Header[] = [];
  const { layers } = packet;
  for (let i = 0; i < layers.length; i++) {
    const layer = layers[i];
    if (layer?.kind === 'ipv4' || layer?.kind === 'ipv6')
      headers.push(decoded(layer, i, layers, headers.at(-1), networks));
    if ((layer?.kind === 'icmp' || layer?.kind === 'icmpv6') && layer.quoted) {
      headers.push(...decodedHeaders(layer.quoted, networks, true));
    }
  }
  return quoted ? headers.map((header) => ({ ...header, found: 'quoted' })) : headers;
}

function decoded(
  ip: IpLayer,
  index: number,
  layers: readonly Layer[],
  outer: Header | undefined,
  networks: Networks,
): Header {
  const header = bare(ip.source, ip.destination, networks);
  const found = outer ? 'tunnelled' : 'direct';
  const next = transportAfter(layers, index);
  if (!next) return { ...header, found, outer, protocol: nameOf(ip) };
  const accepts = next.kind === 'tcp' && (next.flags & (TcpFlag.syn | TcpFlag.ack)) === (TcpFlag.syn | TcpFlag.ack);
  const { kind: protocol, sourcePort, destinationPort } = next;
  return { ...header, found, outer, protocol, sourcePort, destinationPort, accepts };
}

function bare(source: string, destination: string, networks: Networks): Header {
  return {
    source,
    destination,
    from: networks.owner(source),
    to: networks.owner(destination),
    found: 'direct',
    outer: undefined,
    protocol: null,
    sourcePort: null,
    destinationPort: null,
    accepts: false,
  };
}

/** Returns the TCP or UDP header that belongs to the IP header at `index`. */
function transportAfter(layers: readonly Layer[], index: number) {
  for (let i = index + 1; i < layers.length; i++) {
    const layer = layers[i];
    if (layer?.kind === 'tcp' || layer?.kind === 'udp') return layer;
    if (layer?.kind !== 'ipv6-extension' && layer?.kind !== 'ipv6-fragment') return undefined;
  }
  return undefined;
}

const NAMES: { readonly [protocol: number]: string } = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipip',
  6: 'tcp',
  17: 'udp',
  41: 'ipip',
  47: 'gre',
  50: 'esp',
  58: 'icmpv6',
  132: 'sctp',
};

/** Returns the name of the protocol that an IP header carries: `tcp`, or `ip 99` if it has none here. */
export function nameOf(ip: IpLayer): string {
  const number = ip.kind === 'ipv4' ? ip.protocol : ip.nextHeader;
  return NAMES[number] ?? `ip ${number}`;
}

function scanIpv4(
  frame: Uint8Array,
  networks: Networks,
  consider: (source: string, destination: string) => void,
): void {
  const first = networks.firstBytes[4];
  const last = frame.length - SHORTEST_IPV4;
  for (let at = 0; at <= last; at++) {
    const versionAndLength = u8(frame, at);
    if (versionAndLength < 0x45 || versionAndLength > 0x4f) continue;
    if (first[u8(frame, at + 12)] === 0 || first[u8(frame, at + 16)] === 0) continue;
    const length = (versionAndLength & 0x0f) * 4;
    if (at + length > frame.length || !checksumFits(frame, at, length)) continue;
    if (isBetweenTheCluster(frame, at + 12, 4, networks))
      consider(formatIpv4(frame, at + 12), formatIpv4(frame, at + 16));
  }
}

function checksumFits(frame: Uint8Array, at: number, length: number): boolean {
  let sum = 0;
  for (let i = at; i < at + length; i += 2) sum += u16(frame, i);
  return ((sum & 0xffff) + (sum >>> 16)) % 0xffff === 0;
}

/** Finds IPv6 headers by the version and two addresses of the cluster, since they have no checksum. */
function scanIpv6(
  frame: Uint8Array,
  networks: Networks,
  consider: (source: string, destination: string) => void,
): void {
  const first = networks.firstBytes[16];
  for (let at = 0; at + IPV6_LENGTH <= frame.length; at++) {
    if (u8(frame, at) >> 4 !== 6 || first[u8(frame, at + 8)] === 0 || first[u8(frame, at + 24)] === 0) continue;
    if (isBetweenTheCluster(frame, at + 8, 16, networks))
      consider(formatIpv6(frame, at + 8), formatIpv6(frame, at + 24));
  }
}

/** Returns whether both addresses are the cluster's, and at least one is a pod's. */
function isBetweenTheCluster(frame: Uint8Array, at: number, length: number, networks: Networks): boolean {
  const from = networks.ownerOfBytes(frame, at, length);
  const to = networks.ownerOfBytes(frame, at + length, length);
  return from !== undefined && to !== undefined && (from.kind === 'pod' || to.kind === 'pod');
}
