import { bytesFrom, ethernet, inGeneve, inVxlan, ipv4, ipv6, u16be, u32be, udp } from './packet-builder.ts';

const isSix = (packet: Uint8Array) => (packet[0] ?? 0) >> 4 === 6;
const etherType = (packet: Uint8Array) => u16be(isSix(packet) ? 0x86dd : 0x0800);
const pppType = (packet: Uint8Array) => u16be(isSix(packet) ? 0x0057 : 0x0021);

/** GRE with these flags and optional fields between two nodes. */
const inGre = (flags: number, optional: readonly number[], type: readonly number[], inner: Uint8Array) =>
  ethernet(outer(bytesFrom(u16be(flags), type, optional, inner), 47));

const outer = (payload: Uint8Array, protocol: number) =>
  ipv4(payload, { from: '172.18.0.2', to: '172.18.0.3', protocol });

const inUdp = (payload: Uint8Array, port: number) => ethernet(outer(udp(payload, { toPort: port }), 17));

const tagged = (type: number, packet: Uint8Array) =>
  ethernet(bytesFrom(u16be(0x2007), etherType(packet), packet), { type });

/** One entry of a label stack. */
const label = (id: number, bottom: boolean) => u32be(id * 4096 + (bottom ? 256 : 0) + 64);

const session = (packet: Uint8Array) => {
  const inPpp = bytesFrom(pppType(packet), packet);
  return ethernet(bytesFrom([0x11, 0, 0, 7], u16be(inPpp.length), inPpp), { type: 0x8864 });
};

const authentication = (packet: Uint8Array) => {
  const header = isSix(packet) ? 40 : 20;
  const bytes = bytesFrom([6, 4, 0, 0], u32be(1), u32be(1), Buffer.alloc(12, 0xab), packet.subarray(header));
  return ethernet(isSix(packet) ? ipv6(bytes, { protocol: 51 }) : ipv4(bytes, { protocol: 51 }));
};

/** Every encapsulation that is entered, as a frame around an IP packet; by the kinds of the layers between Ethernet and that packet. */
export const ENCAPSULATIONS: Record<string, { layers: string; wrap(packet: Uint8Array): Uint8Array }> = {
  none: { layers: '', wrap: (packet) => ethernet(packet) },
  '802.1Q': { layers: 'vlan vlan', wrap: (packet) => ethernet(packet, { vlans: [7, 9] }) },
  '802.1ad': { layers: 'vlan', wrap: (packet) => tagged(0x88a8, packet) },
  'QinQ of 0x9100': {
    layers: 'vlan vlan',
    wrap: (packet) =>
      ethernet(bytesFrom(u16be(100), u16be(0x8100), u16be(7), etherType(packet), packet), { type: 0x9100 }),
  },
  SNAP: {
    layers: 'llc',
    wrap: (packet) =>
      ethernet(bytesFrom([0xaa, 0xaa, 3, 0, 0, 0], etherType(packet), packet), { type: packet.length + 8 }),
  },
  VXLAN: { layers: 'ipv4 udp vxlan ethernet', wrap: (packet) => ethernet(inVxlan(ethernet(packet))) },
  'VXLAN on another port': {
    layers: 'ipv4 udp vxlan ethernet vlan',
    wrap: (packet) => ethernet(inVxlan(ethernet(packet, { vlans: [3] }), { port: 12345 })),
  },
  'VXLAN in VXLAN': {
    layers: 'ipv4 udp vxlan ethernet ipv4 udp vxlan ethernet',
    wrap: (packet) => ethernet(inVxlan(ethernet(inVxlan(ethernet(packet), { vni: 5 })))),
  },
  'VXLAN-GPE': {
    layers: 'ipv4 udp vxlan',
    wrap: (packet) => inUdp(bytesFrom([0x0c, 0, 0, isSix(packet) ? 2 : 1], u32be(9 * 256), packet), 4790),
  },
  Geneve: { layers: 'ipv4 udp geneve ethernet', wrap: (packet) => ethernet(inGeneve(ethernet(packet))) },
  'Geneve on another port, with IP in it': {
    layers: 'ipv4 udp geneve',
    wrap: (packet) => inUdp(bytesFrom([1, 0], etherType(packet), u32be(9 * 256), [1, 2, 3, 4], packet), 7000),
  },
  'IP in IP': { layers: 'ipv4', wrap: (packet) => ethernet(outer(packet, isSix(packet) ? 41 : 4)) },
  'IP in IPv6': { layers: 'ipv6', wrap: (packet) => ethernet(ipv6(packet, { protocol: isSix(packet) ? 41 : 4 })) },
  'IP in IP with options': {
    layers: 'ipv4',
    wrap: (packet) => ethernet(ipv4(packet, { protocol: isSix(packet) ? 41 : 4, optionBytes: [0x94, 4, 0, 0] })),
  },
  GRE: { layers: 'ipv4 gre', wrap: (packet) => inGre(0, [], etherType(packet), packet) },
  'GRE with checksum, key and sequence': {
    layers: 'ipv4 gre',
    wrap: (packet) => inGre(0xb000, [1, 2, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], etherType(packet), packet),
  },
  'GRE of PPTP': {
    layers: 'ipv4 gre ppp',
    wrap: (packet) =>
      inGre(
        0x3081,
        [...u16be(packet.length + 4), 0, 9, 0, 0, 0, 1, 0, 0, 0, 1],
        u16be(0x880b),
        bytesFrom([0xff, 3], pppType(packet), packet),
      ),
  },
  NVGRE: {
    layers: 'ipv4 gre ethernet',
    wrap: (packet) => inGre(0x2000, [0, 0x10, 0, 1], u16be(0x6558), ethernet(packet)),
  },
  'ERSPAN I': { layers: 'ipv4 gre ethernet', wrap: (packet) => inGre(0, [], u16be(0x88be), ethernet(packet)) },
  'ERSPAN II': {
    layers: 'ipv4 gre erspan ethernet',
    wrap: (packet) =>
      inGre(0x1000, [0, 0, 0, 1], u16be(0x88be), bytesFrom([0x10, 5, 0, 7, 0, 0, 0, 0], ethernet(packet))),
  },
  'ERSPAN III': {
    layers: 'ipv4 gre erspan ethernet',
    wrap: (packet) =>
      inGre(0x1000, [0, 0, 0, 1], u16be(0x22eb), bytesFrom([0x20, 5, 0, 7], Buffer.alloc(8), ethernet(packet))),
  },
  'ERSPAN III with a subheader': {
    layers: 'ipv4 gre erspan ethernet',
    wrap: (packet) =>
      inGre(
        0x1000,
        [0, 0, 0, 1],
        u16be(0x22eb),
        bytesFrom([0x20, 5, 0, 7], Buffer.alloc(7), [1], Buffer.alloc(8), ethernet(packet)),
      ),
  },
  MPLS: {
    layers: 'mpls mpls',
    wrap: (packet) => ethernet(bytesFrom(label(100, false), label(200, true), packet), { type: 0x8847 }),
  },
  'Ethernet in MPLS': {
    layers: 'mpls ethernet',
    wrap: (packet) => ethernet(bytesFrom(label(100, true), ethernet(packet)), { type: 0x8847 }),
  },
  'Ethernet in MPLS with a control word': {
    layers: 'mpls wrapper ethernet',
    wrap: (packet) => ethernet(bytesFrom(label(100, true), u32be(0), ethernet(packet)), { type: 0x8847 }),
  },
  'MPLS in IP': { layers: 'ipv4 mpls', wrap: (packet) => ethernet(outer(bytesFrom(label(16, true), packet), 137)) },
  'MPLS in GRE': {
    layers: 'ipv4 gre mpls',
    wrap: (packet) => inGre(0, [], u16be(0x8847), bytesFrom(label(16, true), packet)),
  },
  'MPLS in UDP': {
    layers: 'ipv4 udp wrapper',
    wrap: (packet) => inUdp(bytesFrom(label(16, true), packet), 6635),
  },
  PPPoE: { layers: 'pppoe ppp', wrap: session },
  'foo over UDP': { layers: 'ipv4 udp', wrap: (packet) => inUdp(packet, 5555) },
  'GRE over UDP': {
    layers: 'ipv4 udp wrapper',
    wrap: (packet) => inUdp(bytesFrom([0, 0], etherType(packet), packet), 4754),
  },
  GUE: {
    layers: 'ipv4 udp wrapper',
    wrap: (packet) => inUdp(bytesFrom([1, isSix(packet) ? 41 : 4, 0, 0, 0, 0, 0, 0], packet), 6080),
  },
  'L2TPv3 over IP': {
    layers: 'ipv4 l2tp ethernet',
    wrap: (packet) => ethernet(outer(bytesFrom(u32be(77), u32be(0xc00c1e), ethernet(packet)), 115)),
  },
  'L2TPv3 over UDP with a cookie of 8 bytes and a sublayer': {
    layers: 'ipv4 udp l2tp ethernet',
    wrap: (packet) => inUdp(bytesFrom(u32be(3 << 16), u32be(77), Buffer.alloc(12, 0xcc), ethernet(packet)), 1701),
  },
  'L2TPv3 with IP': {
    layers: 'ipv4 l2tp',
    wrap: (packet) => ethernet(outer(bytesFrom(u32be(77), packet), 115)),
  },
  L2TPv2: {
    layers: 'ipv4 udp l2tp ppp',
    wrap: (packet) => inUdp(bytesFrom(u16be(2), [0, 5, 0, 6, 0xff, 3], pppType(packet), packet), 1701),
  },
  GTP: {
    layers: 'ipv4 udp gtp',
    wrap: (packet) => inUdp(bytesFrom([0x30, 255], u16be(packet.length), u32be(0xbeef), packet), 2152),
  },
  'GTP with an extension header': {
    layers: 'ipv4 udp gtp',
    wrap: (packet) =>
      inUdp(bytesFrom([0x34, 255], u16be(packet.length + 8), u32be(0xbeef), [0, 0, 0, 0x85, 1, 0, 9, 0], packet), 2152),
  },
  EtherIP: {
    layers: 'ipv4 wrapper ethernet',
    wrap: (packet) => ethernet(outer(bytesFrom([0x30, 0], ethernet(packet)), 97)),
  },
  'an unknown EtherType': {
    layers: 'wrapper',
    wrap: (packet) => ethernet(bytesFrom('some header', packet), { type: 0x894f }),
  },
  'an unknown IP protocol': {
    layers: 'ipv4 wrapper',
    wrap: (packet) => ethernet(outer(bytesFrom('header', packet), 253)),
  },
  'an ICMP echo': {
    layers: 'ipv4 icmp',
    wrap: (packet) => ethernet(outer(bytesFrom([8, 0, 0, 0, 0, 1, 0, 1], packet), 1)),
  },
};

/** Readable by who sees it, but what it carries is changed at its end. */
export const AUTHENTICATED = { layers: 'ah', wrap: authentication };
