import type { GreLayer, L2tpLayer, Layer, Packet } from '../packet.ts';
import { type FieldPlan, hex } from './explained.ts';
import { etherTypeName, pppName, protocolName } from './numbers.ts';

export interface Described {
  name: string;
  about?: string;
  fields: FieldPlan[];
}

/** The headers that carry a packet, or come before one, and are neither IP nor Ethernet's own. */
export type Encapsulation = Extract<
  Layer,
  {
    kind:
      | 'loopback'
      | 'nflog'
      | 'llc'
      | 'mpls'
      | 'pppoe'
      | 'ppp'
      | 'ah'
      | 'sctp'
      | 'vxlan'
      | 'geneve'
      | 'gre'
      | 'erspan'
      | 'gtp'
      | 'l2tp'
      | 'wrapper';
  }
>;

const PLAIN_TUNNEL = 'a tunnel without encryption';

/** Describes such a header, field by field. `at` is its place among the packet's layers. */
export function explainEncapsulation(packet: Packet, at: number, layer: Encapsulation): Described {
  switch (layer.kind) {
    case 'loopback':
      return {
        name: 'Loopback',
        about: 'what a loopback device has in the place of Ethernet',
        fields: [['family', 4, `${layer.family}: ${layer.family === 2 ? 'IPv4' : 'IPv6'}`]],
      };
    case 'nflog':
      return {
        name: 'Netfilter log',
        about: 'a packet that a rule of the firewall logged',
        fields: [
          ['family', 1, `${layer.family}: ${layer.family === 2 ? 'IPv4' : 'IPv6'}`],
          ['version', 1, '0'],
          ['group', 2, String(layer.group)],
        ],
      };
    case 'llc':
      return {
        name: layer.length === 8 ? 'LLC and SNAP' : 'LLC',
        fields: [
          ['services', 2, hex(layer.services, 4)],
          ['control', 1, ''],
          ['organization', 3, ''],
          ['type', 2, etherTypeName(layer.etherType)],
        ],
      };
    case 'mpls':
      return {
        name: 'MPLS',
        about: layer.bottom ? 'the last label: what it carries follows' : 'one more label follows',
        fields: [['label', 4, `${layer.label}, class ${layer.trafficClass}, time to live ${layer.ttl}`]],
      };
    case 'pppoe':
      return {
        name: 'PPPoE',
        fields: [
          ['version, type', 1, '1, 1'],
          ['code', 1, String(layer.code)],
          ['session', 2, hex(layer.session, 4)],
          ['length', 2, ''],
        ],
      };
    case 'ppp':
      return { name: 'PPP', fields: [['protocol', layer.length, pppName(layer.protocol)]] };
    case 'ah':
      return {
        name: 'IPsec authentication header',
        about: 'what follows cannot be changed unseen, but it is not encrypted',
        fields: [
          ['next header', 1, protocolName(layer.nextHeader)],
          ['length', 1, `${layer.length} bytes`],
          ['reserved', 2, ''],
          ['SPI', 4, hex(layer.spi, 8), 'which security association this is'],
          ['sequence', 4, String(layer.sequence)],
          ['integrity value', layer.length - 12, `${layer.length - 12} bytes`],
        ],
      };
    case 'sctp':
      return {
        name: 'SCTP',
        fields: [
          ['source port', 2, String(layer.sourcePort)],
          ['destination port', 2, String(layer.destinationPort)],
          ['tag', 4, hex(layer.tag, 8)],
          ['checksum', 4, ''],
        ],
      };
    case 'vxlan':
      return {
        name: 'VXLAN',
        about: `${PLAIN_TUNNEL}: the whole frame of the pods follows, as it is`,
        fields: [
          ['flags', 1, hex(layer.flags, 2), 'the bit 0x08: there is a network identifier'],
          ['reserved', 3, ''],
          ['network', 3, `VNI ${layer.vni}`, meaningOfVni(packet, at, layer.vni)],
          ['reserved', 1, ''],
        ],
      };
    case 'geneve':
      return {
        name: 'Geneve',
        about: PLAIN_TUNNEL,
        fields: [
          ['version, length', 1, `version 0, ${layer.length - 8} bytes of options`],
          ['flags', 1, hex(layer.flags, 2)],
          ['type', 2, etherTypeName(layer.protocol)],
          ['network', 3, `VNI ${layer.vni}`],
          ['reserved', 1, ''],
        ],
      };
    case 'gre':
      return gre(layer);
    case 'erspan':
      return {
        name: layer.version === 2 ? 'ERSPAN III' : 'ERSPAN II',
        about: 'a copy of a frame that was seen elsewhere, without encryption',
        fields: [
          ['version, VLAN', 2, `${layer.version}, VLAN ${layer.vlan}`],
          ['session', 2, String(layer.session)],
        ],
      };
    case 'gtp':
      return {
        name: 'GTP',
        about: `${PLAIN_TUNNEL}: the packet of a mobile device follows`,
        fields: [
          ['flags', 1, ''],
          ['message', 1, String(layer.message)],
          ['length', 2, ''],
          ['tunnel', 4, hex(layer.tunnel, 8)],
        ],
      };
    case 'l2tp':
      return l2tp(layer);
    case 'wrapper':
      return {
        name: 'Unknown encapsulation',
        about: `${PLAIN_TUNNEL}: its name is not known, but an IP packet follows, as it is`,
        fields: [['header', layer.length, `${layer.length} bytes`]],
      };
  }
}

function gre({ flags, protocol, key, sequence, length }: GreLayer): Described {
  const fields: FieldPlan[] = [
    ['flags, version', 2, hex(flags, 4)],
    ['type', 2, etherTypeName(protocol)],
  ];
  const optional = (key === undefined ? 0 : 4) + (sequence === undefined ? 0 : 4);
  const checksum = (flags & 0x8000) !== 0 && (flags & 7) === 0;
  if (checksum && length - optional >= 8) fields.push(['checksum, reserved', 4, '']);
  if (key !== undefined) fields.push(['key', 4, hex(key, 8)]);
  if (sequence !== undefined) fields.push(['sequence', 4, String(sequence)]);
  return { name: 'GRE', about: PLAIN_TUNNEL, fields };
}

function l2tp({ version, session, length }: L2tpLayer): Described {
  return {
    name: `L2TP, version ${version}`,
    about: PLAIN_TUNNEL,
    fields: [['header', length, `session ${session}`]],
  };
}

/** Cilium puts the identity of the sender into VXLAN on its port (pkg/identity/numericidentity.go); others number networks. */
function meaningOfVni({ layers }: Packet, at: number, vni: number): string {
  const udp = layers[at - 1];
  if (udp?.kind !== 'udp' || udp.destinationPort !== 8472) return '';
  const reserved = RESERVED_IDENTITIES[vni];
  return `with Cilium the identity of the sender: ${reserved ?? (vni < 256 ? 'a reserved one' : 'the label set of a pod')}`;
}

const RESERVED_IDENTITIES: { readonly [identity: number]: string } = {
  1: 'the node itself (host)',
  2: 'outside the cluster (world)',
  4: "the node's health endpoint",
  6: 'another node (remote-node)',
  7: 'the API server (kube-apiserver)',
  8: 'ingress',
};
