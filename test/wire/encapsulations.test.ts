import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFrame } from '../../src/wire/decode.ts';
import { innerIp, LinkType, layerOf } from '../../src/wire/packet.ts';
import { newWalked, walkFrame } from '../../src/wire/packet-walk.ts';
import { AUTHENTICATED, ENCAPSULATIONS } from './encapsulations.ts';
import { bytesFrom, ethernet, fragments, ipv4, ipv6, tcp, u16be, u32be, udp } from './packet-builder.ts';

const decode = (bytes: Uint8Array, linkType: number = LinkType.ethernet) => decodeFrame({ bytes, linkType });
const kinds = (bytes: Uint8Array, linkType?: number) =>
  decode(bytes, linkType)
    .layers.map(({ kind }) => kind)
    .join(' ');

function walk(bytes: Uint8Array, linkType: number = LinkType.ethernet) {
  const walked = newWalked();
  walkFrame(walked, bytes, linkType);
  return walked;
}

const families = { ipv4, ipv6 };

describe('an IP packet is reached', () => {
  describe.each(Object.entries(ENCAPSULATIONS))('in %s', (_, { layers, wrap }) => {
    test.each(Object.entries(families))('by the decoding and by the walk, %s', (kind, ip) => {
      const frame = wrap(ip(tcp('some data', { sequence: 77 })));
      const expected = ['ethernet', ...layers.split(' '), kind, 'tcp'].filter((name) => name !== '').join(' ');
      expect(kinds(frame)).toBe(expected);
      const { payload, ending } = decode(frame);
      expect(ending).toBe('complete');
      const walked = walk(frame);
      expect(walked).toMatchObject({ kind: 'segment', sequence: 77, ending: 'complete', start: payload.offset });
      expect(Buffer.from(frame.subarray(walked.start, walked.end)).toString()).toBe('some data');
    });

    test('as a fragment', () => {
      for (const ip of Object.values(families)) {
        const parts = fragments(ip(tcp('x'.repeat(100))), 64, 5).map((part) => walk(wrap(part)));
        expect(parts.map(({ kind, position, more }) => [kind, position, more])).toEqual([
          ['fragment', 0, true],
          ['fragment', 64, false],
        ]);
        expect(new Set(parts.map(({ key }) => key)).size).toBe(1);
      }
    });

    test('and it is said where the capture cut it', () => {
      const frame = wrap(ipv4(tcp('some data')));
      expect(walk(frame.subarray(0, frame.length - 3)).ending).not.toBe('complete');
    });
  });

  test('behind an authentication header of either family', () => {
    expect(kinds(AUTHENTICATED.wrap(ipv4(tcp('x'))))).toBe('ethernet ipv4 ah tcp');
    expect(kinds(AUTHENTICATED.wrap(ipv6(tcp('x'))))).toBe('ethernet ipv6 ah tcp');
  });

  test.each([
    ['loopback', LinkType.null, [2, 0, 0, 0], ipv4],
    ['loopback', LinkType.loop, [0, 0, 0, 2], ipv4],
    ['loopback', LinkType.null, [30, 0, 0, 0], ipv6],
    ['ppp', LinkType.ppp, [0, 0x21], ipv4],
    ['ppp', LinkType.pppHdlc, [0xff, 3, 0, 0x57], ipv6],
    ['pppoe ppp', LinkType.pppEthernet, [0x11, 0, 0, 1, 0, 44, 0, 0x21], ipv4],
    ['nflog', LinkType.nflog, [2, 0, 0, 5, 5, 0, 10, 0, 0x41, 0, 0, 0, 46, 0, 9, 0], ipv4],
  ] as const)('after the link layer %s of type %i', (layers, linkType, header, ip) => {
    const frame = bytesFrom(header, ip(tcp('xx')));
    expect(kinds(frame, linkType)).toBe(`${layers} ${ip === ipv4 ? 'ipv4' : 'ipv6'} tcp`);
    expect(walk(frame, linkType)).toMatchObject({ kind: 'segment', ending: 'complete' });
  });

  test('of a cooked capture whose addresses have four bytes', () => {
    const frame = bytesFrom([0, 0, 3, 10, 0, 4, 10, 0, 0, 1, 0, 0, 0, 0, 8, 0], ipv4(tcp('x')));
    expect(layerOf(decode(frame, LinkType.sll), 'sll')).toMatchObject({ source: '10.0.0.1', addressLength: 4 });
  });
});

describe('two networks with the same addresses', () => {
  const streams = (frames: readonly Uint8Array[]) => new Set(frames.map((frame) => walk(frame).key)).size;
  const gre = (key: number) => ethernet(ipv4(bytesFrom([0x20, 0, 8, 0], u32be(key), ipv4(tcp('x'))), { protocol: 47 }));

  test('are distinguished by GRE key, MPLS label, PPPoE session and L2TP session', () => {
    const mpls = (id: number) => ethernet(bytesFrom(u32be(id * 4096 + 256), ipv4(tcp('x'))), { type: 0x8847 });
    const pppoe = (id: number) =>
      ethernet(bytesFrom([0x11, 0, 0, id], u16be(43), [0, 0x21], ipv4(tcp('x'))), { type: 0x8864 });
    const l2tp = (id: number) => ethernet(ipv4(bytesFrom(u32be(id), ethernet(ipv4(tcp('x')))), { protocol: 115 }));
    for (const make of [gre, mpls, pppoe, l2tp]) expect(streams([make(1), make(2), make(1)])).toBe(2);
  });

  test('are distinguished from the network around them', () => {
    expect(streams([ethernet(ipv4(tcp('x'))), gre(1), ethernet(ipv4(ipv4(tcp('x')), { protocol: 4 }))])).toBe(3);
  });
});

describe('nothing is entered', () => {
  test.each([
    ['an EtherType that nothing is known of', ethernet(Buffer.alloc(60, 7), { type: 0x88e5 }), 'EtherType', 0x88e5],
    ['an unknown IP protocol', ethernet(ipv4(Buffer.alloc(60, 7), { protocol: 200 })), 'IP protocol', 200],
    [
      'an unknown type in GRE',
      ethernet(ipv4(bytesFrom([0, 0, 0x12, 0x34], Buffer.alloc(30)), { protocol: 47 })),
      'EtherType',
      0x1234,
    ],
    [
      'an unknown PPP protocol',
      ethernet(bytesFrom([0x11, 0, 0, 1, 0, 30, 0, 0x3d], Buffer.alloc(28, 1)), { type: 0x8864 }),
      'PPP protocol',
      0x3d,
    ],
    [
      'no packet under MPLS labels',
      ethernet(bytesFrom(u32be(256), Buffer.alloc(30)), { type: 0x8847 }),
      'EtherType',
      0x8847,
    ],
    [
      'L2TP of unknown content',
      ethernet(ipv4(bytesFrom(u32be(7), Buffer.alloc(30, 9)), { protocol: 115 })),
      'IP protocol',
      115,
    ],
  ])('where there is %s, and it is said what it was', (_, frame, register, number) => {
    expect(walk(frame)).toMatchObject({ ending: 'unknown', register, number });
  });

  test('where the link type is not known', () => {
    expect(walk(Buffer.alloc(40), 147)).toMatchObject({ kind: 'other', ending: 'unknown', register: 'link type' });
  });

  test.each([
    ['a wrong checksum', (packet: Uint8Array) => packet.with(10, (packet[10] ?? 0) ^ 1)],
    ['a length that is not that of the bytes', (packet: Uint8Array) => bytesFrom(packet, Buffer.alloc(40))],
    ['a version that is none', (packet: Uint8Array) => packet.with(0, 0x55)],
    ['a header that is too short', (packet: Uint8Array) => packet.with(0, 0x44)],
  ])('into what is an IPv4 header but for %s', (_, change) => {
    const frame = (packet: Uint8Array) =>
      ethernet(ipv4(udp(bytesFrom('ab', packet), { toPort: 999 }), { protocol: 17 }));
    expect(kinds(frame(ipv4(tcp('x'))))).toBe('ethernet ipv4 udp wrapper ipv4 tcp');
    expect(kinds(frame(change(ipv4(tcp('x')))))).toBe('ethernet ipv4 udp');
  });

  test('into what is VXLAN or Geneve on another port but for a reserved bit, or for a frame in it', () => {
    const vxlan = (bytes: readonly number[], inner: Uint8Array) =>
      kinds(ethernet(ipv4(udp(bytesFrom(bytes, inner), { toPort: 999 }), { protocol: 17 })));
    const arp = ethernet(bytesFrom([0, 1, 8, 0, 6, 4, 0, 1], Buffer.alloc(20)), { type: 0x0806 });
    expect(vxlan([8, 0, 0, 0, 0, 0, 1, 0], arp)).toBe('ethernet ipv4 udp vxlan ethernet arp');
    expect(vxlan([8, 0, 0, 1, 0, 0, 1, 0], arp)).toBe('ethernet ipv4 udp');
    expect(vxlan([8, 0, 0, 0, 0, 0, 1, 1], arp)).toBe('ethernet ipv4 udp');
    expect(vxlan([9, 0, 0, 0, 0, 0, 1, 0], arp)).toBe('ethernet ipv4 udp');
    expect(vxlan([8, 0, 0, 0, 0, 0, 1, 0], Buffer.alloc(60, 0x20))).toBe('ethernet ipv4 udp');
    expect(vxlan([0, 0, 0x65, 0x58, 0, 0, 1, 0], arp)).toBe('ethernet ipv4 udp geneve ethernet arp');
    expect(vxlan([0, 1, 0x65, 0x58, 0, 0, 1, 0], arp)).toBe('ethernet ipv4 udp');
    expect(vxlan([0, 0, 0x65, 0x58, 0, 0, 1, 1], arp)).toBe('ethernet ipv4 udp');
    expect(vxlan([0x40, 0, 0x65, 0x58, 0, 0, 1, 0], arp)).toBe('ethernet ipv4 udp');
  });

  test('in random bytes', () => {
    const random = fc.uint8Array({ minLength: 100, maxLength: 400 });
    fc.assert(
      fc.property(random, (bytes) => {
        expect(kinds(ethernet(ipv4(udp(bytes, { toPort: 999 }), { protocol: 17 })))).toMatch(
          /^ethernet ipv4 udp( wireguard)?$/,
        );
      }),
      { numRuns: 2000 },
    );
  });
});

describe('hostile headers', () => {
  const wraps = fc.array(fc.constantFrom(...Object.values(ENCAPSULATIONS)), { minLength: 1, maxLength: 4 });
  const nested = fc
    .record({
      wraps,
      six: fc.boolean(),
      changes: fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
      cut: fc.nat(40),
    })
    .map(({ wraps, six, changes, cut }) => {
      let packet = six ? ipv6(tcp('data')) : ipv4(tcp('data'));
      let frame = packet;
      for (const { wrap } of wraps) {
        frame = wrap(packet);
        packet = ipv4(bytesFrom([0x30, 0], frame), { protocol: 97 });
      }
      const copy = Uint8Array.from(frame);
      for (const [at, value] of changes) copy[at % copy.length] = value;
      return { bytes: copy.subarray(0, copy.length - cut), changed: changes.length > 0 || cut > 0 };
    });

  test('are walked over as they are decoded, however they are nested, changed and cut', () => {
    fc.assert(
      fc.property(nested, ({ bytes, changed }) => {
        const packet = decode(bytes);
        const walked = walk(bytes);
        const last = packet.layers.at(-1);
        if (!changed) expect([last?.kind, walked.kind]).toEqual(['tcp', 'segment']);
        if (walked.kind === 'fragment') return;
        const { offset, length } = packet.payload;
        expect([walked.start, walked.end]).toEqual([offset, offset + length]);
        if (walked.ending !== 'unknown') expect(walked.ending).toBe(packet.ending);
        if (last?.kind === 'tcp' && last.length >= 20) expect(walked.kind).toBe('segment');
        if (walked.kind !== 'other') expect(innerIp(packet)).toBeDefined();
      }),
      { numRuns: 3000 },
    );
  });
});
