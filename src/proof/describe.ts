import type { Layer, Packet } from '../wire/packet.ts';

/**
 * Describes a packet in one line, from the outside in:
 * `172.18.0.3 > 172.18.0.2 UDP 4789 VXLAN 4096 192.168.1.2 > 192.168.2.3 TCP 40000 > 8080`.
 */
export function describePacket(packet: Packet): string {
  const words = packet.layers.map(describeLayer).filter((word) => word !== '');
  return words.join(' ') || 'a frame that is not understood';
}

function describeLayer(layer: Layer): string {
  switch (layer.kind) {
    case 'ipv4':
    case 'ipv6':
      return `${layer.source} > ${layer.destination}`;
    case 'tcp':
      return `TCP ${layer.sourcePort} > ${layer.destinationPort}`;
    case 'udp':
      return `UDP ${layer.sourcePort} > ${layer.destinationPort}`;
    case 'vxlan':
      return `VXLAN ${layer.vni}`;
    case 'geneve':
      return `Geneve ${layer.vni}`;
    case 'vlan':
      return `VLAN ${layer.id}`;
    case 'icmp':
    case 'icmpv6':
      return `ICMP ${layer.type}/${layer.code}${layer.quoted ? ` quoting ${describePacket(layer.quoted)}` : ''}`;
    case 'arp':
      return `ARP ${layer.sender} > ${layer.target}`;
    case 'wireguard':
      return `WireGuard ${layer.message}`;
    case 'esp':
      return 'ESP';
    default:
      return '';
  }
}
