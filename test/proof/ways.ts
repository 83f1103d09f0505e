import { randomBytes } from 'node:crypto';
import * as packets from './packets.ts';
import { between, keyOf, LISTEN_PORT, marker, nodeOf, probeOf, type Run } from './run.ts';

/** Returns the IP packets that leak, one after the other; each way carries them as it can. */
export type Content = (run: Run) => Buffer[];

/** How they get from n1 to n2 past the encryption: the frames that carry them. */
export type Way = (run: Run, content: readonly Buffer[]) => Buffer[];

/** The five forms in which a run's traffic may leak. */
export const CONTENTS: { readonly [form: string]: Content } = {
  plain: (run) => [podPacket(run, text(run))],
  wrapped: (run) => [
    packets.ipv4(
      address(run, 'n1'),
      address(run, 'n2'),
      17,
      packets.udp(40_001, 31_337, packets.vxlan(77, packets.frameOf(MAC, MAC, podPacket(run, text(run))))),
    ),
  ],
  cut: (run) => pieces(text(run), 40).map((piece) => nodePacket(run, piece)),
  recoded: (run) => [nodePacket(run, Buffer.from(text(run).toString('hex').toUpperCase()))],
  NATed: (run) => {
    const datagram = packets.udp(53_211, 8080, Buffer.from('nothing of this run'));
    return [packets.ipv4(address(run, 'n1'), probeOf(run, 'n1', 'n2').toPod.address, 17, datagram)];
  },
};

const MAC = '66:00:00:00:00:01';

function address(run: Run, name: string): string {
  return nodeOf(run, name).address;
}

function text(run: Run): Buffer {
  return Buffer.from(`Authorization: Bearer ${marker(run, 'request n1 n2')}`);
}

function podPacket(run: Run, data: Buffer): Buffer {
  const { fromPod, toPod, port } = probeOf(run, 'n1', 'n2');
  return packets.ipv4(fromPod.address, toPod.address, 6, packets.tcp(45_000, port, 1000, 0x18, data));
}

function nodePacket(run: Run, data: Buffer): Buffer {
  return packets.ipv4(address(run, 'n1'), address(run, 'n2'), 17, packets.udp(40_000, 40_000, data));
}

function pieces(data: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(data.length / size) }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

/** In an Ethernet frame from n1 to n2. */
function framed(run: Run, type: number, payload: Buffer, to = nodeOf(run, 'n2').macAddress): Buffer {
  return packets.ethernet(nodeOf(run, 'n1').macAddress, to, type, payload);
}

function ethernetIn(ip: Buffer): Buffer {
  return packets.frameOf(MAC, MAC, ip);
}

/** Each packet in IP between the nodes. */
function inIp(protocol: number, payload: (ip: Buffer, i: number) => Buffer): Way {
  return (run, content) =>
    content.map((ip, i) => between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), protocol, payload(ip, i)));
}

function inUdp(port: number, payload: (ip: Buffer, i: number) => Buffer, from = 40_000): Way {
  return inIp(17, (ip, i) => packets.udp(from, port, payload(ip, i)));
}

/** Each in one TCP connection between the nodes, one after the other. */
function inTcp(port: number, flags = 0x18): Way {
  return (run, content) => {
    let sequence = 5000;
    return content.map((ip) => {
      const segment = packets.tcp(40_000, port, sequence, flags, ip);
      sequence += ip.length;
      return between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), 6, segment);
    });
  };
}

function inFrame(type: number, payload: (ip: Buffer) => Buffer = (ip) => ip): Way {
  return (run, content) => content.map((ip) => framed(run, type, payload(ip)));
}

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const join = (...parts: Buffer[]) => Buffer.concat(parts);
const u16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const u64le = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** The bytes of a packet in the body of WireGuard's data messages, padded as these are. */
function asData(index: number, counter: (i: number) => number, size = 0): Way {
  return (run, content) => {
    const chunks = size === 0 ? content : content.flatMap((ip) => pieces(ip, size));
    return chunks.map((chunk, i) => {
      const length = size === 0 ? Math.ceil(chunk.length / 16) * 16 + 16 : size;
      const body = Buffer.alloc(length, '.');
      chunk.copy(body);
      const message = join(hex('04000000'), u32le(index), u64le(counter(i)), body);
      return wireguard(run, message);
    });
  };
}

function u32le(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function wireguard(run: Run, message: Buffer): Buffer {
  const datagram = packets.udp(LISTEN_PORT, LISTEN_PORT, message);
  return between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), 17, datagram);
}

/** The index of the session that n1 has with n2, read off the capture. */
function session(run: Run): { index: number; counter: number } {
  const tap = run.taps.get('n1') ?? [];
  const address2 = nodeOf(run, 'n2').address.split('.').map(Number);
  const data = tap.filter(
    (frame) =>
      frame.length > 58 &&
      frame.readUInt16BE(36) === LISTEN_PORT &&
      frame.readUInt8(42) === 4 &&
      address2.every((byte, i) => frame[30 + i] === byte),
  );
  const last = data.at(-1);
  if (!last) throw new Error('n1 has no session with n2');
  return { index: last.readUInt32LE(46), counter: Number(last.readBigUInt64LE(50)) };
}

const inSession =
  (counter: (last: number, i: number) => number, size = 0): Way =>
  (run, content) => {
    const { index, counter: last } = session(run);
    return asData(index, (i) => counter(last, i), size)(run, content);
  };

const checksummed = (packet: Buffer, change: (packet: Buffer) => void) => {
  const changed = Buffer.from(packet);
  change(changed);
  changed.writeUInt16BE(0, 10);
  let sum = 0;
  const length = (changed.readUInt8(0) & 15) * 4;
  for (let i = 0; i < length; i += 2) sum += changed.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  changed.writeUInt16BE(~sum & 0xffff, 10);
  return changed;
};

/** The same packet with options in its header. */
function withOptions(ip: Buffer): Buffer {
  const longer = join(ip.subarray(0, 20), hex('01010100'), ip.subarray(20));
  return checksummed(longer, (packet) => {
    packet.writeUInt8(0x46, 0);
    packet.writeUInt16BE(packet.length, 2);
  });
}

/** Carried by IPv6 between the nodes, behind the extension headers given. */
function inIpv6(next: number, headers: (ip: Buffer) => Buffer): Way {
  return (run, content) =>
    content.map((ip) => {
      const outer = packets.ipv6('fd00:18:0:0:0:0:0:2', 'fd00:18:0:0:0:0:0:3', next, headers(ip));
      return packets.frameOf(nodeOf(run, 'n1').macAddress, nodeOf(run, 'n2').macAddress, outer);
    });
}

/** Ways past the encryption. */
export const WAYS: { readonly [name: string]: Way } = {
  'bare, to the other node': (run, content) => content.map((ip) => framed(run, 0x0800, ip)),
  'bare, to a gateway': (run, content) => content.map((ip) => framed(run, 0x0800, ip, '02:42:ac:12:00:01')),
  'bare, to everybody': (run, content) => content.map((ip) => framed(run, 0x0800, ip, 'ff:ff:ff:ff:ff:ff')),
  "bare, from a pod's own MAC address": (_run, content) =>
    content.map((ip) => packets.frameOf('0a:58:00:00:00:01', 'ee:ee:ee:ee:ee:ee', ip)),
  'with IP options': (run, content) => content.map((ip) => framed(run, 0x0800, withOptions(ip))),
  'in 802.1Q': inFrame(0x8100, (ip) => join(hex('00640800'), ip)),
  'in 802.1ad': inFrame(0x88a8, (ip) => join(hex('0064 8100 00c8 0800'), ip)),
  'in a tag of type 0x9100': inFrame(0x9100, (ip) => join(hex('0064 8100 00c8 0800'), ip)),
  'in MPLS': inFrame(0x8847, (ip) => join(hex('00064140'), ip)),
  'in MPLS, two labels': inFrame(0x8847, (ip) => join(hex('00064040 000c8140'), ip)),
  'in PPPoE': inFrame(0x8864, (ip) => join(hex('1100 0001'), u16(ip.length + 2), hex('0021'), ip)),
  'in an unknown EtherType': inFrame(0x1234),
  'in the EtherType for experiments': inFrame(0x88b5),
  'in an LLC frame': (run, content) =>
    content.map((ip) => framed(run, Math.min(ip.length + 3, 1500), join(hex('aaaa03'), ip))),
  'behind an ARP request': (run, content) =>
    content.map((ip) =>
      packets.arp(nodeOf(run, 'n1').macAddress, nodeOf(run, 'n1').address, nodeOf(run, 'n2').address, ip),
    ),
  'behind the end of a packet': (run, content) =>
    content.map((ip) =>
      join(between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), 17, packets.udp(1, 2, Buffer.alloc(60))), ip),
    ),
  'behind the end of a datagram': inIp(17, (ip) => join(hex('9c409c41 000c 0000 61626364'), ip)),
  'IP in IP': inIp(4, (ip) => ip),
  'IP in IP in IP': (run, content) =>
    inIp(4, (ip) => ip)(
      run,
      content.map((ip) => packets.ipv4(nodeOf(run, 'n1').address, nodeOf(run, 'n2').address, 4, ip)),
    ),
  'in GRE': inIp(47, (ip) => join(hex('00000800'), ip)),
  'in GRE with a key': inIp(47, (ip) => join(hex('20000800 00000007'), ip)),
  'in GRE with a key, a sequence and a checksum': inIp(47, (ip) =>
    join(hex('b0000800 00000000 00000007 00000001'), ip),
  ),
  'in NVGRE': inIp(47, (ip) => join(hex('20006558 00000700'), ethernetIn(ip))),
  'in ERSPAN': inIp(47, (ip, i) =>
    join(hex('100088be'), Buffer.from([0, 0, 0, i]), hex('1001000100000000'), ethernetIn(ip)),
  ),
  'in GRE of version 1': inIp(47, (ip) => join(hex('2001880b'), u16(ip.length + 4), hex('0001 ff030021'), ip)),
  'in EtherIP': inIp(97, (ip) => join(hex('3000'), ethernetIn(ip))),
  'in MPLS in IP': inIp(137, (ip) => join(hex('00064140'), ip)),
  'in L2TPv3': inIp(115, (ip) => join(hex('00000007'), ethernetIn(ip))),
  'in L2TPv3 over UDP': inUdp(1701, (ip) => join(hex('00030000 00000007'), ethernetIn(ip)), 1701),
  'in an authentication header': inIp(51, (ip) => join(hex('04040000 00000007 00000001'), Buffer.alloc(12), ip)),
  'in ESP without encryption': inIp(50, (ip, i) => join(hex('00000100'), u16(0), u16(i + 1), ip, hex('01020204'))),
  'in ESP over UDP, without encryption': inUdp(
    4500,
    (ip, i) => join(hex('00000100'), u16(0), u16(i + 1), ip, hex('01020204')),
    4500,
  ),
  'in an unknown IP protocol': inIp(99, (ip) => ip),
  'in the IP protocol for experiments': inIp(253, (ip) => ip),
  'in IPComp': inIp(108, (ip) => join(hex('04000002'), ip)),
  'in SCTP': inIp(132, (ip) =>
    join(hex('9c409c41 00000001 00000000 0003'), u16(16 + ip.length), hex('00000001 0000 0000 00000000'), ip),
  ),
  'in ICMP echoes': inIp(1, (ip, i) => join(hex('08000000 0007'), u16(i), ip)),
  'in ICMP echo replies': inIp(1, (ip, i) => join(hex('00000000 0007'), u16(i), ip)),
  'quoted in an ICMP error': inIp(1, (ip) => join(hex('0301000000000000'), ip)),
  'in IGMP': inIp(2, (ip) => join(hex('11000000 e0000001'), ip)),
  'in VXLAN': inUdp(4789, (ip) => packets.vxlan(4096, ethernetIn(ip))),
  "in VXLAN on Linux' old port": inUdp(8472, (ip) => packets.vxlan(4096, ethernetIn(ip))),
  'in VXLAN on any port': inUdp(12_345, (ip) => packets.vxlan(7, ethernetIn(ip))),
  'in VXLAN-GPE': inUdp(4790, (ip) => join(hex('0c000001 00000700'), ip)),
  'in Geneve': inUdp(6081, (ip) => join(hex('00006558 00000700'), ethernetIn(ip))),
  'in Geneve with options, on any port': inUdp(23_456, (ip) =>
    join(hex('02006558 00000700 01020301 0a0b0c0d'), ethernetIn(ip)),
  ),
  'in foo over UDP': inUdp(5555, (ip) => ip),
  'in GUE': inUdp(6080, (ip) => join(hex('00040000'), ip)),
  'in MPLS over UDP': inUdp(6635, (ip) => join(hex('00064140'), ip)),
  'in GTP-U': inUdp(2152, (ip) => join(hex('30ff'), u16(ip.length), hex('00000007'), ip), 2152),
  'in UDP, as DNS': inUdp(53, (ip) => join(hex('12340100 00010000 00000000'), ip)),
  'in UDP, to the port of the control packets': inUdp(9, (ip) => ip),
  'in TCP, to the API server': inTcp(6443),
  'in TCP, to the kubelet': inTcp(10_250),
  'in TCP, from a SYN': inTcp(8080, 0x02),
  'in TCP, with a reset': inTcp(8080, 0x14),
  'in TCP, urgent': inTcp(8080, 0x38),
  "on WireGuard's ports, without its header": inUdp(LISTEN_PORT, (ip) => ip, LISTEN_PORT),
  "on WireGuard's port at one end": inUdp(LISTEN_PORT, (ip) => ip, 51_999),
  'in VXLAN on the ports of WireGuard': inUdp(LISTEN_PORT, (ip) => packets.vxlan(4096, ethernetIn(ip)), LISTEN_PORT),
  "behind WireGuard's header, an index of its own": asData(4711, (i) => i),
  "behind WireGuard's header, in the session, next counters": inSession((last, i) => last + 1 + i),
  "behind WireGuard's header, in the session, used counters": inSession((last, i) => Math.max(0, last - i)),
  "behind WireGuard's header, in the session, far ahead": inSession((last, i) => last + 100_000 + i),
  'in the tags of keepalives': inSession((last, i) => last + 1 + i, 16),
  'in short messages of the session': inSession((last, i) => last + 1 + i, 32),
  'in cookies': (run, content) =>
    content
      .flatMap((ip) => pieces(ip, 56))
      .map((chunk) => {
        const body = Buffer.alloc(56, '.');
        chunk.copy(body);
        return wireguard(run, join(hex('03000000 00000007'), body));
      }),
  'in handshakes with the right mac1': (run, content) =>
    content
      .flatMap((ip) => pieces(ip, 108))
      .map((chunk, i) => {
        const body = Buffer.alloc(108, '.');
        chunk.copy(body);
        return wireguard(run, packets.wireguardInitiation(1000 + i, keyOf(nodeOf(run, 'n2')), body));
      }),
  'in the mac2 of handshakes': (run, content) =>
    content
      .flatMap((ip) => pieces(ip, 16))
      .map((chunk, i) => {
        const message = packets.wireguardInitiation(1000 + i, keyOf(nodeOf(run, 'n2')));
        const mac2 = Buffer.alloc(16, '.');
        chunk.copy(mac2);
        return wireguard(run, join(message.subarray(0, 132), mac2));
      }),
  'in handshakes for another key': (run, content) =>
    content.map((ip, i) => wireguard(run, packets.wireguardInitiation(1000 + i, randomBytes(32), ip))),
  'in IPv6, behind hop-by-hop options': inIpv6(0, (ip) => join(hex('04000502 00000100'), ip)),
  'in IPv6, behind a routing header': inIpv6(43, (ip) => join(hex('04000000 00000000'), ip)),
  'in IPv6, in an unknown protocol': inIpv6(253, (ip) => ip),
  'in fragments, the first missing': (run, content) => fragmented(run, content).filter((_, i) => i !== 0),
  'in fragments, the last missing': (run, content) => fragmented(run, content).slice(0, -1),
  'in fragments of 16 bytes': (run, content) => fragmented(run, content, 16),
  'in fragments, in any order': (run, content) => fragmented(run, content, 24).reverse(),
};

function fragmented(run: Run, content: readonly Buffer[], size = 32): Buffer[] {
  const [n1, n2] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
  return content.flatMap((ip, i) => {
    const outer = packets.ipv4(n1.address, n2.address, 17, packets.udp(40_000, 5555, ip));
    return packets.fragments(outer, size, 900 + i).map((each) => packets.frameOf(n1.macAddress, n2.macAddress, each));
  });
}
