import { u8 } from '../net/bytes.ts';
import { arpLayer, readArp } from './arp.ts';
import type { Cursor } from './cursor.ts';
import { Protocol } from './cursor.ts';
import { espLayer, readEsp } from './esp.ts';
import { geneveLayer, readGeneve } from './geneve.ts';
import { erspanLayer, greLayer, readErspan2, readErspan3, readGre } from './gre.ts';
import { gtpLayer, readGtp } from './gtp.ts';
import { icmpFields, icmpv6Fields, readIcmp, readIcmpv6 } from './icmp.ts';
import { readWrapper } from './inner.ts';
import { ipv4Layer, readIpv4 } from './ipv4.ts';
import {
  authenticationLayer,
  extensionLayer,
  fragmentLayer,
  ipv6Layer,
  readAuthentication,
  readExtension,
  readFragment,
  readIpv6,
} from './ipv6.ts';
import { l2tpLayer, readL2tp } from './l2tp.ts';
import { mplsLayer, pppLayer, pppoeLayer, readMpls, readPpp, readPppoe } from './labels.ts';
import {
  ethernetLayer,
  llcLayer,
  loopbackLayer,
  nflogLayer,
  readEthernet,
  readLlc,
  readLoopback,
  readNflog,
  readSll,
  readSll2,
  readVlan,
  sll2Layer,
  sllLayer,
  vlanLayer,
} from './link-layer.ts';
import { type Layer, LinkType } from './packet.ts';
import { readSctp, sctpLayer } from './sctp.ts';
import { readTcp, tcpLayer } from './tcp.ts';
import { readUdp, udpLayer } from './udp.ts';
import { readVxlan, vxlanLayer } from './vxlan.ts';
import { readWireguard, wireguardLayer } from './wireguard.ts';

/** The two functions for a kind of header: one reads it, one describes it. Both the walk and the full decoding use it. */
interface HeaderFacts {
  /** Returns the header's length, and sets on the cursor what it says; 0 if there is no such header. */
  readonly read: (cursor: Cursor) => number;
  /** Describes the header that was read. `number` is the one that named it, in the header before. */
  readonly layer: (cursor: Cursor, length: number, number: number) => Layer;
}

const NOTHING: HeaderFacts = { read: () => 0, layer: wrapperLayer };

/** The facts about each header, indexed by the numbers of `Protocol`. */
const HEADERS: readonly HeaderFacts[] = byProtocol([
  [Protocol.ethernet, readEthernet, ethernetLayer],
  [Protocol.vlan, readVlan, vlanLayer],
  [Protocol.sll, readSll, sllLayer],
  [Protocol.sll2, readSll2, sll2Layer],
  [Protocol.loopback, readLoopback, loopbackLayer],
  [Protocol.nflog, readNflog, nflogLayer],
  [Protocol.llc, readLlc, llcLayer],
  [Protocol.mpls, readMpls, mplsLayer],
  [Protocol.pppoe, readPppoe, pppoeLayer],
  [Protocol.ppp, readPpp, pppLayer],
  [Protocol.arp, readArp, arpLayer],
  [Protocol.ipv4, readIpv4, ipv4Layer],
  [Protocol.ipv6, readIpv6, ipv6Layer],
  [Protocol.ipv6Extension, readExtension, extensionLayer],
  [Protocol.ipv6Fragment, readFragment, fragmentLayer],
  [Protocol.authentication, readAuthentication, authenticationLayer],
  [Protocol.tcp, readTcp, tcpLayer],
  [Protocol.udp, readUdp, udpLayer],
  [Protocol.sctp, readSctp, sctpLayer],
  [Protocol.icmp, readIcmp, icmpLayer],
  [Protocol.icmpv6, readIcmpv6, icmpv6Layer],
  [Protocol.esp, readEsp, espLayer],
  [Protocol.vxlan, readVxlan, vxlanLayer],
  [Protocol.geneve, readGeneve, geneveLayer],
  [Protocol.gre, readGre, greLayer],
  [Protocol.erspan2, readErspan2, erspanLayer],
  [Protocol.erspan3, readErspan3, erspanLayer],
  [Protocol.gtp, readGtp, gtpLayer],
  [Protocol.l2tp, readL2tp, l2tpLayer],
  [Protocol.wireguard, readWireguard, wireguardLayer],
  [Protocol.wrapper, readWrapper, wrapperLayer],
]);

export function headerFacts(protocol: Protocol): HeaderFacts {
  return HEADERS[protocol] ?? NOTHING;
}

/** Returns what a frame of a link type begins with. `unknown` if the link type has no reader, `data` if it has no packet at all. */
export function firstProtocol(cursor: Cursor, linkType: number): Protocol {
  switch (linkType) {
    case LinkType.ethernet:
      return Protocol.ethernet;
    case LinkType.sll:
      return Protocol.sll;
    case LinkType.sll2:
      return Protocol.sll2;
    case LinkType.null:
    case LinkType.loop:
      return Protocol.loopback;
    case LinkType.nflog:
      return Protocol.nflog;
    case LinkType.ppp:
    case LinkType.pppHdlc:
      return Protocol.ppp;
    case LinkType.pppEthernet:
      return Protocol.pppoe;
    case LinkType.raw:
    case LinkType.rawBsd:
    case LinkType.rawOpenBsd:
    case LinkType.ipv4:
    case LinkType.ipv6:
      return firstOfIp(cursor);
    default:
      [cursor.register, cursor.number] = ['link type', linkType];
      return Protocol.unknown;
  }
}

/** Returns the IP version that the bytes at the cursor begin with. */
export function firstOfIp(cursor: Cursor): Protocol {
  const { bytes, offset, end } = cursor;
  const version = offset < end ? u8(bytes, offset) >> 4 : 0;
  if (version === 4) return Protocol.ipv4;
  if (version === 6) return Protocol.ipv6;
  cursor.ending = offset < end ? 'malformed' : 'truncated';
  return Protocol.data;
}

function byProtocol(rows: readonly [Protocol, HeaderFacts['read'], HeaderFacts['layer']][]): HeaderFacts[] {
  const table: HeaderFacts[] = Array.from(
    { length: Math.max(...rows.map(([protocol]) => protocol)) + 1 },
    () => NOTHING,
  );
  for (const [protocol, read, layer] of rows) table[protocol] = { read, layer };
  return table;
}

function icmpLayer(cursor: Cursor, length: number): Layer {
  return { kind: 'icmp', offset: cursor.offset, length, ...icmpFields(cursor) };
}

function icmpv6Layer(cursor: Cursor, length: number): Layer {
  return { kind: 'icmpv6', offset: cursor.offset, length, ...icmpv6Fields(cursor) };
}

function wrapperLayer({ offset }: Cursor, length: number): Layer {
  return { kind: 'wrapper', offset, length };
}
