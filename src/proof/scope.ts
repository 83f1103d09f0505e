import { innerIp, layerOf, type Packet } from '../wire/packet.ts';
import type { Networks } from './networks.ts';

/** What a packet is that the proof is not about. */
export type Scope = 'link' | 'received' | 'node-to-node' | 'pod-to-node' | 'pod-to-outside' | 'ipv6' | 'other';

/** In words, for reports: why such packets are in clear, and nobody's fault. */
export const scopeNotes: { readonly [scope in Scope]: string } = {
  link: 'ARP, neighbour discovery and other link-local traffic, which no CNI encrypts',
  received: 'packets that arrived; the sending node has its own tap',
  'node-to-node':
    'between nodes themselves and pods with hostNetwork: API server, kubelet and the like, usually with TLS of their own',
  'pod-to-node': "between a pod and a node's own address",
  'pod-to-outside': 'between a pod and addresses outside the cluster',
  ipv6: 'IPv6 between nodes: the connections of this run were over IPv4, so of IPv6 only what pods send in clear would be found',
  other: 'everything else: nodes with the outside, protocols that are not understood',
};

/** RFC 4861: router and neighbour solicitation and advertisement, redirect. */
const NEIGHBOUR_DISCOVERY = { first: 133, last: 137 };

/** Where a packet belongs that is neither plaintext of pods nor ciphertext between nodes. */
export function scopeOf(packet: Packet, networks: Networks): Scope {
  const ip = innerIp(packet);
  if (!ip || isNeighbourDiscovery(packet)) return packet.layers.length > 0 ? 'link' : 'other';
  const ends = [networks.owner(ip.source), networks.owner(ip.destination)];
  const kinds = ends.map((owner) => owner?.kind);
  if (kinds.every((kind) => kind === 'node')) return 'node-to-node';
  if (!kinds.includes('pod')) return ip.kind === 'ipv6' && networks.hasIpv6Pods ? 'ipv6' : 'other';
  return kinds.includes('node') ? 'pod-to-node' : 'pod-to-outside';
}

function isNeighbourDiscovery(packet: Packet): boolean {
  const icmp = layerOf(packet, 'icmpv6');
  return icmp !== undefined && icmp.type >= NEIGHBOUR_DISCOVERY.first && icmp.type <= NEIGHBOUR_DISCOVERY.last;
}
