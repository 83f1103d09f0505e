import { decodeFrame } from '../../src/wire/decode.ts';
import type { Frame, Layer, Packet } from '../../src/wire/packet.ts';
import { execute } from './real-traffic.ts';

/** One field of tshark, and what the layers here say in the same words. */
type Field = (layer: Layer) => string | undefined;

const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`;

function of<K extends Layer['kind']>(kind: K, text: (layer: Extract<Layer, { kind: K }>) => unknown): Field {
  return (layer) => {
    if (layer.kind !== kind) return undefined;
    const value = text(layer as Extract<Layer, { kind: K }>);
    return value === undefined ? undefined : String(value);
  };
}

const isWhole = (layer: { length: number }) => layer.length >= 20;

export const FIELDS: Record<string, Field> = {
  'eth.dst': of('ethernet', (l) => l.destination),
  'eth.src': of('ethernet', (l) => l.source),
  'eth.type': of('ethernet', (l) => (l.etherType >= 0x600 ? hex(l.etherType, 4) : undefined)),
  'vlan.id': of('vlan', (l) => (l.tagType === 0x88a8 ? undefined : l.id)),
  'ieee8021ad.id': of('vlan', (l) => (l.tagType === 0x88a8 ? l.id : undefined)),
  'sll.pkttype': (l) => (l.kind === 'sll' || l.kind === 'sll2' ? String(l.packetType) : undefined),
  'sll.ifindex': of('sll2', (l) => l.interfaceIndex),
  'sll.hatype': (l) => (l.kind === 'sll' || l.kind === 'sll2' ? String(l.hardwareType) : undefined),
  'arp.opcode': of('arp', (l) => l.operation),
  'arp.src.hw_mac': of('arp', (l) => l.senderHardware),
  'arp.src.proto_ipv4': of('arp', (l) => l.sender),
  'arp.dst.hw_mac': of('arp', (l) => l.targetHardware),
  'arp.dst.proto_ipv4': of('arp', (l) => l.target),
  'ip.src': of('ipv4', (l) => l.source),
  'ip.dst': of('ipv4', (l) => l.destination),
  'ip.proto': of('ipv4', (l) => l.protocol),
  'ip.len': of('ipv4', (l) => l.totalLength),
  'ip.hdr_len': of('ipv4', (l) => l.length),
  'ip.id': of('ipv4', (l) => hex(l.identification, 4)),
  'ip.ttl': of('ipv4', (l) => l.ttl),
  'ip.dsfield.dscp': of('ipv4', (l) => l.dscp),
  'ip.frag_offset': of('ipv4', (l) => l.fragmentOffset / 8),
  'ip.flags.mf': of('ipv4', (l) => Number(l.moreFragments)),
  'ip.flags.df': of('ipv4', (l) => Number(l.dontFragment)),
  'ipv6.src': of('ipv6', (l) => l.source),
  'ipv6.dst': of('ipv6', (l) => l.destination),
  'ipv6.nxt': of('ipv6', (l) => l.nextHeader),
  'ipv6.plen': of('ipv6', (l) => l.payloadLength),
  'ipv6.hlim': of('ipv6', (l) => l.hopLimit),
  'ipv6.flow': of('ipv6', (l) => hex(l.flowLabel, 6)),
  'ipv6.fraghdr.offset': of('ipv6-fragment', (l) => l.fragmentOffset / 8),
  'ipv6.fraghdr.ident': of('ipv6-fragment', (l) => hex(l.identification, 8)),
  'ipv6.fraghdr.more': of('ipv6-fragment', (l) => Number(l.moreFragments)),
  'tcp.srcport': of('tcp', (l) => l.sourcePort),
  'tcp.dstport': of('tcp', (l) => l.destinationPort),
  'tcp.seq_raw': of('tcp', (l) => (isWhole(l) ? l.sequence : undefined)),
  'tcp.ack_raw': of('tcp', (l) => (isWhole(l) ? l.acknowledgment : undefined)),
  'tcp.flags': of('tcp', (l) => (isWhole(l) ? hex(l.flags, 4) : undefined)),
  'tcp.window_size_value': of('tcp', (l) => (isWhole(l) ? l.window : undefined)),
  'tcp.hdr_len': of('tcp', (l) => (isWhole(l) ? l.length : undefined)),
  'udp.srcport': of('udp', (l) => l.sourcePort),
  'udp.dstport': of('udp', (l) => l.destinationPort),
  'udp.length': of('udp', (l) => l.datagramLength),
  'icmp.type': of('icmp', (l) => l.type),
  'icmp.code': of('icmp', (l) => l.code),
  'icmp.ident': of('icmp', (l) => l.identifier),
  'icmpv6.type': of('icmpv6', (l) => l.type),
  'icmpv6.code': of('icmpv6', (l) => l.code),
  'icmpv6.echo.identifier': of('icmpv6', (l) => l.identifier && hex(l.identifier, 4)),
  'vxlan.vni': of('vxlan', (l) => l.vni),
  'geneve.vni': of('geneve', (l) => hex(l.vni, 6)),
  'wg.type': of('wireguard', (l) => ['initiation', 'response', 'cookie', 'data'].indexOf(l.message) + 1),
  'wg.sender': of('wireguard', (l) => ('sender' in l ? hex(l.sender, 8) : undefined)),
  'wg.receiver': of('wireguard', (l) => ('receiver' in l ? hex(l.receiver, 8) : undefined)),
  'wg.counter': of('wireguard', (l) => (l.message === 'data' ? l.counter : undefined)),
  'wg.mac1': of('wireguard', (l) => ('mac1' in l ? Buffer.from(l.mac1).toString('hex') : undefined)),
  'gre.proto': of('gre', (l) => hex(l.protocol, 4)),
  'gre.key': of('gre', (l) => (l.key === undefined || (l.flags & 7) === 1 ? undefined : hex(l.key, 8))),
  'mpls.label': of('mpls', (l) => l.label),
  'mpls.bottom': of('mpls', (l) => Number(l.bottom)),
  'pppoe.session_id': of('pppoe', (l) => hex(l.session, 4)),
  'ppp.protocol': of('ppp', (l) => hex(l.protocol, 4)),
  'ah.spi': of('ah', (l) => hex(l.spi, 8)),
  'sctp.srcport': of('sctp', (l) => l.sourcePort),
  'gtp.teid': of('gtp', (l) => hex(l.tunnel, 8)),
  'esp.spi': of('esp', (l) => hex(l.spi, 8)),
  'esp.sequence': of('esp', (l) => l.sequence),
};

/** Returns what tshark reads in a capture: for each frame its time, lengths, and fields, each with all of its values, outermost first. */
export async function tsharkFrames(path: string): Promise<Record<string, string>[]> {
  const names = ['frame.time_epoch', 'frame.len', 'frame.cap_len', ...Object.keys(FIELDS)];
  // No putting together: each frame stands for itself here.
  const alone = ['ip.defragment', 'ipv6.defragment', 'tcp.desegment_tcp_streams'].flatMap((p) => ['-o', `${p}:FALSE`]);
  const fields = names.flatMap((name) => ['-e', name]);
  // On 8472, which is Cilium's and the kernel's own choice, tshark expects another protocol.
  const vxlan = ['-d', 'udp.port==8472,vxlan'];
  const args = [
    '-n',
    '-r',
    path,
    ...alone,
    ...vxlan,
    '-T',
    'fields',
    '-E',
    'separator=/t',
    '-E',
    'aggregator=/s',
    ...fields,
  ];
  const { stdout } = await execute('tshark', args, { maxBuffer: 2 ** 28 });
  const lines = stdout.split('\n').slice(0, -1);
  return lines.map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i] ?? '', value])));
}

/** The same of a frame as it is read and decoded here. */
export function ownFrame(frame: Frame): Record<string, string> {
  const layers = allLayers(decodeFrame(frame));
  const own: Record<string, string> = {
    'frame.len': String(frame.originalLength),
    'frame.cap_len': String(frame.bytes.length),
  };
  for (const [name, field] of Object.entries(FIELDS)) {
    own[name] = layers
      .map(field)
      .filter((value) => value !== undefined)
      .join(' ');
  }
  return own;
}

/** Quoted packets where they stand: tshark knows no difference. */
function allLayers(packet: Packet): Layer[] {
  return packet.layers.flatMap((layer) => {
    const quoted = 'quoted' in layer ? layer.quoted : undefined;
    return quoted ? [layer, ...allLayers(quoted)] : [layer];
  });
}
