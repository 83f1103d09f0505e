import { type IpLayer, type Layer, LinkType, layerOf, type Packet } from '../wire/packet.ts';
import type { Account, LedgerClass } from './accounts.ts';
import { nameOf } from './headers.ts';
import type { Networks } from './networks.ts';
import { lowerPort } from './pod-packets.ts';
import { isOnLink } from './wire-design.ts';

/** RFC 4861: router and neighbour solicitation and advertisement, redirect. */
const NEIGHBOUR_DISCOVERY = { first: 133, last: 137 };

/** Protocols of the link itself: LLDP, LACP and the like, 802.1X, MACsec key agreement, Ethernet loopback. */
const LINK_PROTOCOLS: ReadonlySet<number> = new Set([0x88cc, 0x8809, 0x888e, 0x9000]);

/** Below this the field of an Ethernet header is a length: spanning tree and the like (IEEE 802.3 §3.2.6). */
const FIRST_ETHER_TYPE = 0x0600;

/** Protocols that nodes use with each other directly on IP: ICMP, IGMP, TCP, UDP, ICMPv6, OSPF, PIM, VRRP. */
const PLAIN: ReadonlySet<string> = new Set(['icmp', 'igmp', 'tcp', 'udp', 'icmpv6', 'ip 89', 'ip 103', 'ip 112']);

/** The shortest Ethernet frame, without its check sequence: shorter ones are padded. */
const SHORTEST_FRAME = 60;

/** The two ends of a packet that has no pod's address. */
export interface Ends {
  readonly tap: string;
  /** The node that the frame is addressed to by its MAC address, if it is one. */
  readonly nextHop: string | undefined;
  readonly networks: Networks;
}

/** Returns the account of a packet that is neither a pod's nor wglab's nor under the encryption. */
export function accountOfNodes(packet: Packet, linkType: number, ends: Ends): Account {
  const ip = packet.layers.find((layer): layer is IpLayer => layer.kind === 'ipv4' || layer.kind === 'ipv6');
  const make = (kind: LedgerClass, what: string, from: string | null, to: string | null): Account => ({
    class: kind,
    what,
    from,
    to,
    ...serviceOf(packet, ip),
  });
  const { tap, nextHop, networks } = ends;
  if (!ip) return accountOfLink(packet, linkType, ends, make);
  if (isNeighbourDiscovery(packet)) return make('by design', 'neighbour discovery', tap, null);
  const from = networks.owner(ip.source);
  const to = networks.owner(ip.destination);
  if (from?.kind === 'node' && to?.kind === 'node') {
    return betweenNodes(packet, ip, from.node ?? tap, to.node ?? tap, make);
  }
  if (isOnLink(ip.destination)) return make('by design', 'to everybody on the link', tap, null);
  if (nextHop !== undefined && nextHop !== tap && !isOnLink(ip.source)) {
    return make('unexplained', 'between two nodes, with addresses that are not theirs', tap, nextHop);
  }
  return make('by design', 'node to the outside', tap, null);
}

type Make = (kind: LedgerClass, what: string, from: string | null, to: string | null) => Account;

function betweenNodes(packet: Packet, ip: IpLayer, from: string, to: string, make: Make): Account {
  const unexplained = (what: string) => make('unexplained', what, from, to);
  if (packet.ending === 'malformed') return unexplained('a header that contradicts itself');
  if (packet.ending === 'too deep') return unexplained('more headers than wglab follows');
  if (packet.ending === 'truncated') return unexplained('shorter than its headers say');
  if (hasTrailer(packet, ip)) return unexplained('bytes after the end of the packet');
  const inner = packet.layers.slice(packet.layers.indexOf(ip) + 1);
  if (inner.some(isEncapsulation)) return unexplained("an encapsulation that holds no node's or pod's packet");
  const transport = inner.find((layer) => layer.kind === 'tcp' || layer.kind === 'udp');
  const protocol = transport?.kind ?? nameOf(ip);
  if (!PLAIN.has(protocol) && !inner.some((layer) => layer.kind === 'icmpv6')) {
    return unexplained('a protocol that wglab cannot look into');
  }
  return make('by design', 'node to node', from, to);
}

function isEncapsulation({ kind }: Layer): boolean {
  return kind === 'vxlan' || kind === 'geneve' || kind === 'ipv4' || kind === 'ipv6' || kind === 'ethernet';
}

/** Returns whether bytes follow a packet that are not Ethernet's padding of a short frame. */
function hasTrailer(packet: Packet, ip: IpLayer): boolean {
  const length = ip.kind === 'ipv4' ? ip.totalLength : ip.payloadLength + 40;
  if (length === 0 || (ip.kind === 'ipv6' && ip.payloadLength === 0)) return false;
  return packet.bytes.length > Math.max(ip.offset + length, SHORTEST_FRAME);
}

function accountOfLink(packet: Packet, linkType: number, { tap, nextHop }: Ends, make: Make): Account {
  if (layerOf(packet, 'arp')) return make('by design', 'ARP', tap, null);
  const type = packet.layers.findLast((layer) => layer.kind === 'ethernet' || layer.kind === 'vlan')?.etherType;
  if (type !== undefined && (LINK_PROTOCOLS.has(type) || type < FIRST_ETHER_TYPE)) {
    return make('by design', 'the link itself', tap, null);
  }
  const what = linkType === LinkType.ethernet ? 'a frame that is not IP' : 'a frame that is not Ethernet';
  return make('unexplained', what, tap, nextHop ?? null);
}

function serviceOf(packet: Packet, ip: IpLayer | undefined): Pick<Account, 'protocol' | 'port'> {
  const transport = packet.layers.findLast((layer) => layer.kind === 'tcp' || layer.kind === 'udp');
  if (transport) return { protocol: transport.kind, port: lowerPort(transport.sourcePort, transport.destinationPort) };
  return { protocol: ip ? nameOf(ip) : null, port: null };
}

function isNeighbourDiscovery(packet: Packet): boolean {
  const icmp = layerOf(packet, 'icmpv6');
  return icmp !== undefined && icmp.type >= NEIGHBOUR_DISCOVERY.first && icmp.type <= NEIGHBOUR_DISCOVERY.last;
}
