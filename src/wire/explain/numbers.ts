import { hex } from './explained.ts';

const ETHER_TYPES: { readonly [type: number]: string } = {
  2048: 'IPv4',
  2054: 'ARP',
  8939: 'ERSPAN III',
  25944: 'Ethernet',
  33024: 'VLAN tag (802.1Q)',
  34525: 'IPv6',
  34827: 'PPP',
  34887: 'MPLS',
  34888: 'MPLS (multicast)',
  34915: 'PPPoE discovery',
  34916: 'PPPoE session',
  34984: 'VLAN tag (802.1ad)',
  35006: 'ERSPAN I or II',
  35020: 'LLDP',
  35045: 'MACsec',
  37120: 'VLAN tag (before 802.1ad)',
};

const IP_PROTOCOLS: { readonly [number: number]: string } = {
  0: 'hop-by-hop options',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  43: 'routing header',
  44: 'fragment header',
  47: 'GRE',
  50: 'ESP',
  51: 'authentication header',
  58: 'ICMPv6',
  59: 'nothing',
  60: 'destination options',
  89: 'OSPF',
  97: 'EtherIP',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
  137: 'MPLS',
};

const PPP_PROTOCOLS: { readonly [number: number]: string } = {
  33: 'IPv4',
  87: 'IPv6',
  641: 'MPLS',
  32801: 'IPCP',
  32855: 'IPv6CP',
  49185: 'LCP',
  49187: 'PAP',
  49699: 'CHAP',
};

/** Below this number, an EtherType is a length, as IEEE 802.3 has it. */
const FIRST_ETHER_TYPE = 1536;

/** Returns an EtherType by its name, or as a number. */
export function etherTypeName(type: number): string {
  if (type < FIRST_ETHER_TYPE) return `${type}: a length (802.3)`;
  return ETHER_TYPES[type] ?? hex(type, 4);
}

/** Returns the number of an IP protocol with its name. */
export function protocolName(number: number): string {
  const name = IP_PROTOCOLS[number];
  return name === undefined ? String(number) : `${number}: ${name}`;
}

export function pppName(protocol: number): string {
  const name = PPP_PROTOCOLS[protocol];
  return name === undefined ? hex(protocol, 4) : `${hex(protocol, 4)}: ${name}`;
}
