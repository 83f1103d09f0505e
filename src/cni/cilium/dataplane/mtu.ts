import type { Encryption } from './types.ts';

/** Outer IPv4, UDP, VXLAN and inner Ethernet. */
const VXLAN_OVERHEAD = 50;
/** 80 bytes of headers and tag, and up to 15 of padding: Cilium 1.20 and 1.19.5 count both (pkg/mtu). */
const WIREGUARD_OVERHEAD = 95;
/** Outer IPv4, SPI, sequence number, IV, padding, trailer and the longest integrity check value that Cilium reckons with. */
const IPSEC_OVERHEAD = 77;

/** The MTU of cilium_wg0, of which the padded packet must fit into the underlay's. */
export function wireguardMtu(hostMtu: number): number {
  return hostMtu - WIREGUARD_OVERHEAD;
}

/** The MTU of routes to pods of other nodes. */
export function routeMtu(hostMtu: number, encryption: Encryption): number {
  const overhead = { none: 0, wireguard: WIREGUARD_OVERHEAD, ipsec: IPSEC_OVERHEAD }[encryption];
  return hostMtu - VXLAN_OVERHEAD - overhead;
}
