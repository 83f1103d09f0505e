import { type Cursor, follow, Protocol } from './cursor.ts';
import { followInner, isTag } from './inner.ts';

/** Below it, the field that names the type of an Ethernet frame's payload is its length (IEEE 802.3). */
const FIRST_ETHER_TYPE = 0x600;

/** Sets what follows a header of this length by an EtherType. */
export function followEtherType(cursor: Cursor, etherType: number, length: number): void {
  follow(cursor, 'EtherType', etherType, protocolOfEtherType(etherType));
  if (cursor.next === Protocol.unknown) followInner(cursor, cursor.offset + length, Protocol.unknown);
}

/** EtherIP (RFC 3378): a version in two bytes, then an Ethernet frame. */
const ETHER_IP = 97;

/** Sets what follows a header of this length by the number of an IPv4 header, or of the last IPv6 one. */
export function followIp(cursor: Cursor, number: number, length: number): void {
  follow(cursor, 'IP protocol', number, protocolOfIp(number));
  if (number === ETHER_IP) {
    [cursor.skip, cursor.skipTo, cursor.next] = [2, Protocol.ethernet, Protocol.wrapper];
    return;
  }
  if (cursor.next === Protocol.unknown) followInner(cursor, cursor.offset + length, Protocol.unknown);
}

function protocolOfEtherType(etherType: number): Protocol {
  switch (etherType) {
    case 0x0800:
      return Protocol.ipv4;
    case 0x86dd:
      return Protocol.ipv6;
    case 0x0806:
      return Protocol.arp;
    case 0x6558: // transparent Ethernet bridging
      return Protocol.ethernet;
    case 0x8847:
    case 0x8848:
      return Protocol.mpls;
    case 0x8864:
      return Protocol.pppoe;
    case 0x880b:
      return Protocol.ppp;
    case 0x8863: // PPPoE discovery
    case 0x88cc: // LLDP
    case 0x0842: // wake on LAN
      return Protocol.data;
    default:
      if (isTag(etherType)) return Protocol.vlan;
      return etherType < FIRST_ETHER_TYPE ? Protocol.llc : Protocol.unknown;
  }
}

function protocolOfIp(number: number): Protocol {
  switch (number) {
    case 1:
      return Protocol.icmp;
    case 4:
      return Protocol.ipv4;
    case 6:
      return Protocol.tcp;
    case 17:
      return Protocol.udp;
    case 0:
    case 43:
    case 60:
    case 135:
    case 139:
    case 140:
      return Protocol.ipv6Extension;
    case 41:
      return Protocol.ipv6;
    case 44:
      return Protocol.ipv6Fragment;
    case 47:
      return Protocol.gre;
    case 50:
      return Protocol.esp;
    case 51:
      return Protocol.authentication;
    case 58:
      return Protocol.icmpv6;
    case 115:
      return Protocol.l2tp;
    case 132:
      return Protocol.sctp;
    case 137:
      return Protocol.mpls;
    case 2: // IGMP
    case 59: // nothing
    case 89: // OSPF
    case 103: // PIM
    case 112: // VRRP
      return Protocol.data;
    default:
      return Protocol.unknown;
  }
}
