import { u8 } from '../../net/bytes.ts';
import {
  type ArpLayer,
  type Ipv4Layer,
  type Ipv6Layer,
  isTunnel,
  type Layer,
  type Packet,
  TcpFlag,
  type TcpLayer,
  type UdpLayer,
} from '../packet.ts';
import { type Described, explainEncapsulation } from './encapsulations.ts';
import { type ExplainedLayer, hex, type Knowledge, layFields } from './explained.ts';
import { etherTypeName, protocolName } from './numbers.ts';

/** Explains a layer that is not WireGuard's, field by field. `at` is its place among the packet's layers. */
export function explainHeader(packet: Packet, at: number, layer: Layer, knowledge: Knowledge): ExplainedLayer {
  const { name, about = '', fields } = describe(packet, at, layer, knowledge);
  return { name, about, offset: layer.offset, length: layer.length, fields: layFields(layer, fields) };
}

function describe(packet: Packet, at: number, layer: Layer, { names }: Knowledge): Described {
  switch (layer.kind) {
    case 'ethernet':
      return {
        name: 'Ethernet',
        fields: [
          ['destination', 6, layer.destination],
          ['source', 6, layer.source],
          ['type', 2, etherTypeName(layer.etherType)],
        ],
      };
    case 'vlan':
      return {
        name: 'VLAN tag',
        fields: [
          ['tag', 2, `VLAN ${layer.id}, priority ${layer.priority}${layer.dropEligible ? ', may be dropped' : ''}`],
          ['type', 2, etherTypeName(layer.etherType)],
        ],
      };
    case 'sll':
      return {
        name: 'Linux cooked capture',
        about: 'in the place of Ethernet, as tcpdump -i any writes it',
        fields: [
          ['packet type', 2, cookedType(layer.packetType)],
          ['device type', 2, String(layer.hardwareType)],
          ['address length', 2, String(layer.addressLength)],
          ['source', 8, layer.source || 'none'],
          ['type', 2, etherTypeName(layer.etherType)],
        ],
      };
    case 'sll2':
      return {
        name: 'Linux cooked capture, version 2',
        about: 'in the place of Ethernet, as tcpdump -i any writes it',
        fields: [
          ['type', 2, etherTypeName(layer.etherType)],
          ['reserved', 2, ''],
          ['interface', 4, `number ${layer.interfaceIndex}`],
          ['device type', 2, String(layer.hardwareType)],
          ['packet type', 1, cookedType(layer.packetType)],
          ['address length', 1, String(layer.addressLength)],
          ['source', 8, layer.source || 'none'],
        ],
      };
    case 'arp':
      return arp(layer, names);
    case 'ipv4':
      return ipv4(packet, at, layer, names);
    case 'ipv6':
      return ipv6(packet, at, layer, names);
    case 'ipv6-extension':
      return {
        name: 'IPv6 extension header',
        fields: [
          ['next header', 1, protocolName(layer.nextHeader)],
          ['length', 1, `${layer.length} bytes`],
        ],
      };
    case 'ipv6-fragment':
      return {
        name: 'IPv6 fragment header',
        fields: [
          ['next header', 1, protocolName(layer.nextHeader)],
          ['reserved', 1, ''],
          ['fragment', 2, fragmentText(layer)],
          ['identification', 4, hex(layer.identification, 8)],
        ],
      };
    case 'tcp':
      return tcp(layer);
    case 'udp':
      return udp(packet, at, layer);
    case 'icmp':
    case 'icmpv6':
      return {
        name: layer.kind === 'icmp' ? 'ICMP' : 'ICMPv6',
        fields: [
          ['type', 1, String(layer.type)],
          ['code', 1, String(layer.code)],
          ['checksum', 2, hex(layer.checksum, 4)],
          ...(layer.identifier === undefined
            ? [['rest of header', 4, ''] as const]
            : [['identifier', 2, hex(layer.identifier, 4)] as const, ['sequence', 2, String(layer.sequence)] as const]),
        ],
      };
    case 'esp':
      return {
        name: layer.inUdp ? 'IPsec ESP in UDP' : 'IPsec ESP',
        about: 'what follows is encrypted',
        fields: [
          ['SPI', 4, hex(layer.spi, 8), 'which security association this is'],
          ['sequence', 4, String(layer.sequence)],
        ],
      };
    case 'wireguard':
      return { name: 'WireGuard', fields: [] }; // see wireguard.ts
    default:
      return explainEncapsulation(packet, at, layer);
  }
}

type Names = Knowledge['names'];

function ipv4(packet: Packet, at: number, layer: Ipv4Layer, names: Names): Described {
  const { bytes } = packet;
  return {
    name: 'IPv4',
    about: roleOfIp(packet, at),
    fields: [
      ['version, length', 1, `4, ${layer.length} bytes (${u8(bytes, layer.offset) & 15} × 4)`],
      ['DSCP, ECN', 1, `${layer.dscp}, ${layer.ecn}`],
      ['total length', 2, layer.totalLength === 0 ? '0: left to the network card' : `${layer.totalLength} bytes`],
      ['identification', 2, hex(layer.identification, 4)],
      ['fragment', 2, fragmentText(layer, layer.dontFragment)],
      ['time to live', 1, String(layer.ttl)],
      ['protocol', 1, protocolName(layer.protocol)],
      ['checksum', 2, checksum(layer.checksum)],
      ['source', 4, named(layer.source, names)],
      ['destination', 4, named(layer.destination, names)],
    ],
  };
}

function ipv6(packet: Packet, at: number, layer: Ipv6Layer, names: Names): Described {
  const { trafficClass, flowLabel } = layer;
  return {
    name: 'IPv6',
    about: roleOfIp(packet, at),
    fields: [
      ['version, class, flow', 4, `6, ${trafficClass}, ${hex(flowLabel, 5)}`],
      ['payload length', 2, `${layer.payloadLength} bytes`],
      ['next header', 1, protocolName(layer.nextHeader)],
      ['hop limit', 1, String(layer.hopLimit)],
      ['source', 16, named(layer.source, names)],
      ['destination', 16, named(layer.destination, names)],
    ],
  };
}

function arp(layer: ArpLayer, names: Names): Described {
  const who = `${layer.operation === 1 ? 'who has' : 'here is'} ${layer.operation === 1 ? layer.target : layer.sender}`;
  return {
    name: 'ARP',
    about: who,
    fields: [
      ['hardware', 2, 'Ethernet'],
      ['protocol', 2, 'IPv4'],
      ['address lengths', 2, '6, 4'],
      ['operation', 2, layer.operation === 1 ? 'request' : layer.operation === 2 ? 'reply' : String(layer.operation)],
      ['sender hardware', 6, layer.senderHardware],
      ['sender', 4, named(layer.sender, names)],
      ['target hardware', 6, layer.targetHardware],
      ['target', 4, named(layer.target, names)],
    ],
  };
}

function tcp(layer: TcpLayer): Described {
  const flags = Object.entries(TcpFlag).flatMap(([name, bit]) =>
    (layer.flags & bit) !== 0 ? [name.toUpperCase()] : [],
  );
  return {
    name: 'TCP',
    fields: [
      ['source port', 2, String(layer.sourcePort)],
      ['destination port', 2, String(layer.destinationPort)],
      ['sequence', 4, String(layer.sequence)],
      ['acknowledgment', 4, String(layer.acknowledgment)],
      ['length, flags', 2, `${layer.length} bytes, ${flags.join(' ') || 'none'}`],
      ['window', 2, String(layer.window)],
      ['checksum', 2, checksum(layer.checksum)],
      ['urgent pointer', 2, String(layer.urgentPointer)],
    ],
  };
}

function udp(packet: Packet, at: number, layer: UdpLayer): Described {
  const tunnel = packet.layers[at + 1]?.kind === 'vxlan' ? ' (VXLAN)' : '';
  return {
    name: 'UDP',
    fields: [
      ['source port', 2, String(layer.sourcePort)],
      ['destination port', 2, `${layer.destinationPort}${tunnel}`],
      ['length', 2, `${layer.datagramLength} bytes`],
      ['checksum', 2, layer.checksum === 0 ? '0: none' : checksum(layer.checksum)],
    ],
  };
}

/** Says whose addresses an IP header has if the packet has several, or may have more in ciphertext. */
function roleOfIp({ layers }: Packet, at: number): string {
  const after = layers.slice(at + 1);
  const isOuter = after.some((layer) => layer.kind === 'ipv4' || layer.kind === 'ipv6' || isTunnel(layer));
  if (isOuter) return 'between the ends of the tunnel: the nodes';
  return layers.slice(0, at).some(isTunnel) ? 'between those who really talk: in clear inside the tunnel' : '';
}

function named(address: string, names: Names): string {
  const name = names.get(address);
  return name === undefined ? address : `${address} (${name})`;
}

function fragmentText(
  { moreFragments, fragmentOffset }: Pick<Ipv4Layer, 'moreFragments' | 'fragmentOffset'>,
  whole = false,
) {
  const parts = [
    ...(whole ? ["don't fragment"] : []),
    ...(fragmentOffset > 0 ? [`from byte ${fragmentOffset}`] : []),
    ...(moreFragments ? ['more follow'] : []),
  ];
  return parts.join(', ') || 'not a fragment';
}

function checksum(value: number): string {
  return hex(value, 4);
}

function cookedType(type: number): string {
  return ['to us', 'broadcast', 'multicast', 'to another host', 'sent by us'][type] ?? String(type);
}
