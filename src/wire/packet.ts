import type { IpLayer, Layer, Packet } from './layers.ts';
import type { Span } from './span.ts';

/**
 * One frame of a capture. `bytes` is a view of what the capture kept; it stays valid as long as it is used, but
 * keeps the whole chunk that it was read from in memory, so copy the bytes that you keep for long.
 */
export interface Frame {
  /** Counts from 0 in the order of the file. */
  readonly index: number;
  /** Milliseconds since 1970 with fractions, good to a quarter of a microsecond; 0 if the file has none (pcapng SPB). */
  readonly time: number;
  /** The number of https://www.tcpdump.org/linktypes.html: see `LinkType`. */
  readonly linkType: number;
  /** How long the frame was on the wire; more than `bytes.length` if the capture cut it (snap length). */
  readonly originalLength: number;
  readonly bytes: Uint8Array;
}

/** The link types that are decoded. The three raw ones are different systems' numbers for the same thing. */
export const LinkType = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  pppHdlc: 50,
  pppEthernet: 51,
  loop: 108,
  nflog: 239,
  raw: 101,
  rawBsd: 12,
  rawOpenBsd: 14,
  sll: 113,
  ipv4: 228,
  ipv6: 229,
  sll2: 276,
} as const;

export type * from './layers.ts';
export type { Span } from './span.ts';

export const TcpFlag = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
} as const;

/** The most layers that are decoded: no real packet has more, and a hostile one ends here. */
export const MAX_LAYERS = 40;

/** Returns the first layer of a kind, from the outside in. */
export function layerOf<K extends Layer['kind']>(packet: Packet, kind: K): Extract<Layer, { kind: K }> | undefined {
  return packet.layers.find((layer): layer is Extract<Layer, { kind: K }> => layer.kind === kind);
}

/** Returns the outermost IP header: on the underlay, it has the addresses of the nodes. */
export function outerIp(packet: Packet): IpLayer | undefined {
  return packet.layers.find(isIp);
}

/** Returns the innermost IP header, with the addresses of the real ends; the same as `outerIp` if nothing is encapsulated. */
export function innerIp(packet: Packet): IpLayer | undefined {
  return packet.layers.findLast(isIp);
}

/** Returns all IP headers, outermost first, without those quoted in ICMP errors. */
export function ipLayers(packet: Packet): IpLayer[] {
  return packet.layers.filter(isIp);
}

/** Returns the bytes of a layer's header, or of the payload, as a view. */
export function bytesOf(packet: Packet, span: Span): Uint8Array {
  return packet.bytes.subarray(span.offset, span.offset + span.length);
}

/** Returns whether this layer carries another packet. */
export function isTunnel({ kind }: Layer): boolean {
  return kind === 'vxlan' || kind === 'geneve' || kind === 'wireguard' || kind === 'esp';
}

function isIp(layer: Layer): layer is IpLayer {
  return layer.kind === 'ipv4' || layer.kind === 'ipv6';
}
