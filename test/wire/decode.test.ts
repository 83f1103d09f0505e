import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFrame, decodeIpPacket } from '../../src/wire/decode.ts';
import { IpDatagrams } from '../../src/wire/ip-reassembly.ts';
import {
  bytesOf,
  innerIp,
  ipLayers,
  LinkType,
  layerOf,
  MAX_LAYERS,
  outerIp,
  type Packet,
} from '../../src/wire/packet.ts';
import { newWalked, walkFrame } from '../../src/wire/packet-walk.ts';
import type { Unsearched } from '../../src/wire/unsearched.ts';
import { bytesFrom, ethernet, fragments, inGeneve, inVxlan, ipv4, ipv6, tcp, u32be, udp } from './packet-builder.ts';

const decode = (bytes: Uint8Array, linkType: number = LinkType.ethernet) => decodeFrame({ bytes, linkType });
const kinds = (packet: Packet) => packet.layers.map((layer) => layer.kind).join(' ');
const payloadOf = (packet: Packet) => Buffer.from(bytesOf(packet, packet.payload)).toString('latin1');

describe('a packet', () => {
  test('within VXLAN has all of its layers, where they are, and the addresses of nodes and pods', () => {
    const pods = ipv4(tcp('hello', { fromPort: 1, toPort: 2, sequence: 3 }), { from: '10.244.1.2', to: '10.244.2.3' });
    const bytes = ethernet(inVxlan(ethernet(pods), { vni: 4096 }));
    const packet = decode(bytes);
    expect(kinds(packet)).toBe('ethernet ipv4 udp vxlan ethernet ipv4 tcp');
    expect(packet.layers.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 14],
      [14, 20],
      [34, 8],
      [42, 8],
      [50, 14],
      [64, 20],
      [84, 20],
    ]);
    expect([outerIp(packet)?.source, outerIp(packet)?.destination]).toEqual(['172.18.0.2', '172.18.0.3']);
    expect([innerIp(packet)?.source, innerIp(packet)?.destination]).toEqual(['10.244.1.2', '10.244.2.3']);
    expect(ipLayers(packet)).toHaveLength(2);
    expect([payloadOf(packet), packet.ending]).toEqual(['hello', 'complete']);
  });

  test('is not VXLAN without the bit that makes its header valid', () => {
    const bytes = Buffer.from(ethernet(inVxlan(ethernet(ipv4(tcp('x'))))));
    bytes[42] = 0;
    // Though the packet in it is found by its own header.
    expect(kinds(decode(bytes))).toBe('ethernet ipv4 udp wrapper ipv4 tcp');
  });

  test('has no padding in its payload', () => {
    expect(payloadOf(decode(bytesFrom(ethernet(ipv4(tcp('ab'))), '\0\0\0\0')))).toBe('ab');
  });

  test('ends where UDP says, though IP says later', () => {
    const packet = decode(ethernet(ipv4(bytesFrom(udp('abcd').with(5, 10), 'more'), { protocol: 17 })));
    expect([payloadOf(packet), packet.ending]).toEqual(['ab', 'complete']);
  });

  test('quoted in an ICMP error hangs on its layer, and its addresses are not the packet’s own', () => {
    const quoted = ipv4(tcp('lost', { sequence: 99 }), { from: '10.244.0.9' }).subarray(0, 28);
    const packet = decode(ethernet(ipv4(bytesFrom([3, 1, 0, 0, 0, 0, 0, 0], quoted), { protocol: 1 })));
    const error = layerOf(packet, 'icmp');
    expect(error?.quoted && kinds(error.quoted)).toBe('ipv4 tcp');
    expect(error?.quoted && layerOf(error.quoted, 'tcp')).toMatchObject({ sequence: 99, length: 8 });
    expect(error?.quoted?.ending).toBe('truncated');
    expect([packet.ending, innerIp(packet)?.source]).toEqual(['complete', '10.0.0.1']);
  });

  test.each([
    ['a header that is too short', ethernet(ipv4(tcp('x')).with(0, 0x44)), 'malformed', 'ethernet'],
    ['a total length less than its header', ethernet(ipv4(tcp('x')).with(3, 19)), 'malformed', 'ethernet'],
    ['a TCP header that is too short', ethernet(ipv4(tcp('x').with(12, 0x40))), 'malformed', 'ethernet ipv4'],
    [
      'a UDP length less than its header',
      ethernet(ipv4(udp('x').with(5, 7), { protocol: 17 })),
      'malformed',
      'ethernet ipv4 udp',
    ],
    [
      'a first fragment',
      ethernet(ipv4(udp('x'.repeat(16)), { protocol: 17, more: true })),
      'truncated',
      'ethernet ipv4 udp',
    ],
    ['a later fragment', ethernet(ipv4(udp('x'), { protocol: 17, position: 8 })), 'complete', 'ethernet ipv4'],
    ['no link type that is known', Uint8Array.of(1, 2, 3), 'complete', ''],
  ])('with %s is decoded up to there', (name, bytes, ending, layers) => {
    const packet = decode(bytes, name.startsWith('no link') ? 147 : LinkType.ethernet);
    expect([packet.ending, kinds(packet)]).toEqual([ending, layers]);
  });

  test('cut anywhere keeps the layers before the cut', () => {
    const bytes = ethernet(inVxlan(ethernet(ipv6(tcp('some data')))), { vlans: [3] });
    const whole = decode(bytes);
    for (let length = 0; length < bytes.length; length++) {
      const packet = decode(bytes.subarray(0, length));
      expect(packet.ending).toBe('truncated');
      const before = whole.layers.filter((layer) => layer.offset + layer.length <= length);
      expect(packet.layers.slice(0, before.length)).toEqual(before);
    }
  });

  test('with too many layers ends, and soon', () => {
    let packet = ipv4(tcp('deep'));
    for (let i = 0; i < 1000; i++) packet = ipv4(packet, { protocol: 4 });
    expect(decode(ethernet(packet))).toMatchObject({ ending: 'too deep', layers: { length: MAX_LAYERS } });
    let quoting = ipv4(tcp('deep'));
    for (let i = 0; i < 100; i++) quoting = ipv4(bytesFrom([3, 0, 0, 0, 0, 0, 0, 0], quoting), { protocol: 1 });
    expect(kinds(decode(ethernet(quoting)))).toBe('ethernet ipv4 icmp');
    const options = Buffer.alloc(20_000).map((_, i) => (i % 8 ? 0 : 60));
    expect(decode(ethernet(ipv6(options, { protocol: 60 }))).ending).toBe('too deep');
  });
});

const wireguard = bytesFrom([4, 0, 0, 0], u32be(1), u32be(2), u32be(3), Buffer.alloc(48, 0xaa));
const icmpError = bytesFrom([3, 1, 0, 0, 0, 0, 0, 0], ipv4(udp(wireguard), { protocol: 17 }));
const hopByHop = bytesFrom([6, 0, 1, 4, 0, 0, 0, 0], tcp('after a header'));

/** One of everything. */
const packets = [
  ethernet(ipv4(tcp('text')), { vlans: [1, 2] }),
  ethernet(ipv6(hopByHop, { protocol: 0 })),
  ethernet(inVxlan(ethernet(inVxlan(ethernet(ipv4(tcp('text'))), { port: 8472 })))),
  ethernet(inGeneve(ethernet(ipv6(udp(wireguard), { protocol: 17 })))),
  ethernet(ipv4(ipv6(ipv4(tcp('text')), { protocol: 4 }), { protocol: 41 })),
  ethernet(ipv4(icmpError, { protocol: 1 })),
  ethernet(ipv6(icmpError.with(0, 1), { protocol: 58 })),
  ethernet(ipv4(udp(bytesFrom(u32be(7), u32be(8), 'secret'), { toPort: 4500 }), { protocol: 17 })),
  ethernet(ipv4(bytesFrom(u32be(7), u32be(8), 'secret'), { protocol: 50 })),
  ethernet(bytesFrom([0, 1, 8, 0, 6, 4, 0, 1], Buffer.alloc(20, 5)), { type: 0x0806 }),
  ...fragments(ipv6(tcp('x'.repeat(50))), 24, 3).map((packet) => ethernet(packet)),
  ...fragments(inVxlan(ethernet(ipv4(tcp('x'.repeat(50))))), 24, 3).map((packet) => ethernet(packet)),
];

const linkTypes = fc.constantFrom(...Array<number>(9).fill(LinkType.ethernet), ...Object.values(LinkType));
const mutated = fc
  .record({
    bytes: fc.constantFrom(...packets),
    changes: fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    length: fc.nat(400),
  })
  .map(({ bytes, changes, length }) => {
    const copy = Buffer.from(bytes);
    for (const [at, value] of changes) copy[at % copy.length] = value;
    return new Uint8Array(copy.subarray(0, length));
  });
const anyBytes = fc.oneof(mutated, fc.uint8Array({ maxLength: 200 }));

/** Layers lie in the bytes, one after the other, and the payload after them. */
function expectSound(packet: Packet): void {
  let end = packet.layers[0]?.offset ?? 0;
  for (const layer of packet.layers) {
    expect(layer.length).toBeGreaterThan(0);
    expect(layer.offset).toBe(end);
    end = layer.offset + layer.length;
    expect(end).toBeLessThanOrEqual(packet.bytes.length);
    if ('quoted' in layer && layer.quoted) expectSound(layer.quoted);
  }
  expect(packet.payload.length).toBeGreaterThanOrEqual(0);
  expect(packet.payload.offset + packet.payload.length).toBeLessThanOrEqual(packet.bytes.length);
}

describe('any bytes', () => {
  test('are decoded without harm, and what comes out lies within them', () => {
    fc.assert(
      fc.property(anyBytes, linkTypes, (bytes, linkType) => {
        expectSound(decode(bytes, linkType));
        expectSound(decodeIpPacket(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  test('are walked over as they are decoded: the same segment, the same fragment', () => {
    let segments = 0;
    let parts = 0;
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...packets), anyBytes), linkTypes, (bytes, linkType) => {
        const packet = decode(bytes, linkType);
        const walked = newWalked();
        walkFrame(walked, bytes, linkType);
        const isPart = packet.layers.find(
          (layer) =>
            (layer.kind === 'ipv4' || layer.kind === 'ipv6-fragment') &&
            (layer.moreFragments || layer.fragmentOffset > 0),
        );
        const segment = packet.layers.at(-1);
        if (isPart && 'fragmentOffset' in isPart) {
          parts += 1;
          expect(walked).toMatchObject({
            kind: 'fragment',
            start: isPart.offset + isPart.length,
            position: isPart.fragmentOffset,
            more: isPart.moreFragments,
          });
        } else if (segment?.kind === 'tcp' && segment.length >= 20) {
          segments += 1;
          const { offset, length } = packet.payload;
          const { sequence, flags } = segment;
          expect(walked).toMatchObject({ kind: 'segment', start: offset, end: offset + length, sequence, flags });
        } else {
          expect(['other', 'datagram', 'sctp']).toContain(walked.kind);
          const { offset, length } = packet.payload;
          if (segment?.kind !== 'tcp') expect(walked).toMatchObject({ start: offset, end: offset + length });
        }
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(segments, parts)).toBeGreaterThan(100);
  });
});

describe('a datagram put together', () => {
  const originals = [
    ipv4(udp('some long text, longer than a fragment'), { protocol: 17, id: 0 }),
    ipv6(udp('some long text, longer than a fragment'), { protocol: 17 }),
  ];

  test.each(originals)('is the packet that was cut', (original) => {
    const datagrams = new IpDatagrams();
    const all = fragments(original, 16, 6)
      .reverse()
      .map((packet, i) => {
        const bytes = ethernet(packet);
        const walked = newWalked();
        walkFrame(walked, bytes, LinkType.ethernet);
        return datagrams.add(walked, bytes, [{ start: 0, end: bytes.length, frame: i }]);
      });
    expect(all.slice(0, -1)).toEqual([undefined, undefined]);
    const whole = all.at(-1)?.bytes ?? new Uint8Array(0);
    const packet = decodeIpPacket(whole);
    expect(packet.ending).toBe('complete');
    expect(payloadOf(packet)).toBe('some long text, longer than a fragment');
    // But for the identification, which IPv6 packets do not have, and the checksum.
    const same = Buffer.from(original);
    for (const bytes of original[0] === 0x45 ? [whole, same] : []) {
      bytes.set([0, 0], 4);
      bytes.set([0, 0], 10);
    }
    expect(Buffer.from(whole)).toEqual(same);
  });

  test('begins again if an identification is used again for other bytes', () => {
    const losses: Unsearched[] = [];
    const datagrams = new IpDatagrams({ onLoss: (loss) => losses.push(loss) });
    const add = (packet: Uint8Array) => {
      const walked = newWalked();
      walkFrame(walked, packet, LinkType.raw);
      return datagrams.add(walked, packet, [{ start: 0, end: packet.length, frame: 0 }])?.bytes;
    };
    const [oldFirst, oldLast] = fragments(ipv4(udp('old.....old.....'), { protocol: 17 }), 16, 1);
    const [newFirst, newLast] = fragments(ipv4(udp('new.....new.....'), { protocol: 17 }), 16, 1);
    expect(add(oldFirst ?? new Uint8Array(0))).toBeUndefined();
    expect(add(newFirst ?? new Uint8Array(0))).toBeUndefined();
    expect(payloadOf(decodeIpPacket(add(newLast ?? new Uint8Array(0)) ?? new Uint8Array(0)))).toBe('new.....new.....');
    expect(add(oldLast ?? new Uint8Array(0))).toBeUndefined();
    expect(payloadOf(decodeIpPacket(add(oldFirst ?? new Uint8Array(0)) ?? new Uint8Array(0)))).toBe('old.....old.....');
    expect(losses.map(({ kind }) => kind)).toEqual(['contradiction']);
  });
});
