import type { Header } from './span.ts';

/** The address family before a packet of a loopback device (BSD): 2 is IPv4; 10, 24, 28 and 30 are IPv6. */
export interface LoopbackLayer extends Header<'loopback'> {
  readonly family: number;
}

/** The header before a packet that netfilter logged. */
export interface NflogLayer extends Header<'nflog'> {
  readonly family: number;
  readonly group: number;
}

/** IEEE 802.2 after a length, with an EtherType if it is SNAP, which is 0 otherwise. */
export interface LlcLayer extends Header<'llc'> {
  readonly services: number;
  readonly etherType: number;
}

/** One entry of a label stack. */
export interface MplsLayer extends Header<'mpls'> {
  readonly label: number;
  readonly trafficClass: number;
  /** The last entry: what it carries follows. */
  readonly bottom: boolean;
  readonly ttl: number;
}

export interface PppoeLayer extends Header<'pppoe'> {
  readonly code: number;
  readonly session: number;
}

export interface PppLayer extends Header<'ppp'> {
  readonly protocol: number;
}

/** IPsec's authentication header, in IPv4 or IPv6. What follows it is readable. */
export interface AuthenticationLayer extends Header<'ah'> {
  readonly nextHeader: number;
  readonly spi: number;
  readonly sequence: number;
}

export interface SctpLayer extends Header<'sctp'> {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tag: number;
}

export interface GreLayer extends Header<'gre'> {
  readonly flags: number;
  /** An EtherType. */
  readonly protocol: number;
  readonly key: number | undefined;
  readonly sequence: number | undefined;
}

/** The header of mirrored frames in GRE: version 1 is type II, version 2 is type III. */
export interface ErspanLayer extends Header<'erspan'> {
  readonly version: number;
  readonly session: number;
  readonly vlan: number;
}

export interface GtpLayer extends Header<'gtp'> {
  readonly message: number;
  readonly tunnel: number;
}

/** The header and the cookie, if there is one. */
export interface L2tpLayer extends Header<'l2tp'> {
  readonly version: number;
  readonly session: number;
}

/** Bytes of an encapsulation that wglab does not know: after them an IP packet begins. */
export interface WrapperLayer extends Header<'wrapper'> {}
