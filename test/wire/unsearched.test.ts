import { describe, expect, test } from 'vitest';
import { MarkerSearch, type Sighting } from '../../src/wire/marker-search.ts';
import { type Frame, LinkType } from '../../src/wire/packet.ts';
import type { Unsearched } from '../../src/wire/unsearched.ts';
import { bytesFrom, ethernet, fragments, ipv4, tcp, u32be, udp } from './packet-builder.ts';

const MARKER = 'c0ffee00decade11facade22deface33';
const [START, END] = [MARKER.slice(0, 10), MARKER.slice(10)];

/** Frames are numbered from 0. */
function search(frames: readonly Uint8Array[], linkType: number = LinkType.ethernet) {
  const searching = new MarkerSearch(new Map([['m', Buffer.from(MARKER)]]));
  const all: Frame[] = frames.map((bytes, index) => ({
    index,
    time: 0,
    linkType,
    originalLength: bytes.length,
    bytes,
  }));
  const sightings: Sighting<string>[] = all.flatMap((frame) => searching.feed([frame]));
  sightings.push(...searching.finish());
  return { sightings, unsearched: searching.takeUnsearched() };
}

const about = (list: readonly Unsearched[]) => list.map(({ kind, frames }) => [kind, frames]);

const segment = (sequence: number, data: string, more: { flags?: number; urgent?: number } = {}) => {
  const bytes = tcp(data, { sequence, ...(more.flags === undefined ? {} : { flags: more.flags }) });
  if (more.urgent !== undefined) bytes.set([0, more.urgent], 18);
  return ethernet(ipv4(bytes));
};

describe('what could not be searched is reported with its frames', () => {
  test.each([
    ['unknown protocol', ethernet(Buffer.alloc(60, 1), { type: 0x88e5 }), /^nothing is known of EtherType 0x88e5$/],
    [
      'unknown protocol',
      ethernet(ipv4(Buffer.alloc(60, 1), { protocol: 200 })),
      /^nothing is known of IP protocol 200$/,
    ],
    ['truncated', ethernet(ipv4(tcp('some data'))).subarray(0, 60), /^the capture has fewer bytes/],
    ['truncated', ethernet(ipv4(tcp('some data'))).subarray(0, 30), /^the capture has fewer bytes/],
    ['malformed', ethernet(ipv4(udp('x').with(5, 7), { protocol: 17 })), /contradicts itself/],
  ])('%s', (kind, frame, reason) => {
    const { unsearched } = search([ethernet(ipv4(udp('x'), { protocol: 17 })), frame]);
    expect(about(unsearched)).toEqual([[kind, [1]]]);
    expect(unsearched[0]?.reason).toMatch(reason);
  });

  test('an unknown link type', () => {
    expect(search([Buffer.alloc(40)], 147).unsearched).toMatchObject([
      { kind: 'unknown protocol', reason: 'nothing is known of link type 147', frames: [0] },
    ]);
  });

  test('more headers than are followed', () => {
    let packet = ipv4(tcp('deep'));
    for (let i = 0; i < 60; i++) packet = ipv4(packet, { protocol: 4 });
    expect(about(search([ethernet(packet)]).unsearched)).toEqual([['too deep', [0]]]);
  });

  test('a datagram with a hole, whose parts are searched all the same', () => {
    const parts = fragments(ipv4(udp(`${'.'.repeat(30)}${MARKER}${'.'.repeat(60)}`), { protocol: 17 }), 16, 5);
    const all = parts.map((part) => ethernet(part));
    expect(search(all).unsearched).toEqual([]);
    for (const missing of [0, all.length - 1, 5]) {
      const { sightings, unsearched } = search(all.filter((_, i) => i !== missing));
      expect(about(unsearched)).toEqual([['datagram hole', all.slice(1).map((_, i) => i)]]);
      expect(sightings.some(({ split }) => split)).toBe(true);
    }
  });

  test('fragments that contradict each other', () => {
    const old = fragments(ipv4(udp('old.....old.....'), { protocol: 17 }), 16, 1).map((part) => ethernet(part));
    const fresh = fragments(ipv4(udp('new.....new.....'), { protocol: 17 }), 16, 1).map((part) => ethernet(part));
    const { unsearched } = search([...old.slice(0, 1), ...fresh]);
    expect(about(unsearched)).toEqual([['contradiction', [0, 1]]]);
  });

  test('a fragment beyond the end of any datagram', () => {
    const frame = ethernet(ipv4(Buffer.alloc(100), { protocol: 17, position: 65_528, more: true }));
    expect(about(search([frame]).unsearched)).toEqual([['malformed', [0]]]);
  });

  test('a stream with a hole, but not what was sent before the capture began', () => {
    expect(about(search([segment(1, START), segment(50, END)]).unsearched)).toEqual([['stream hole', [0, 1]]]);
    expect(search([segment(50, END), segment(1, START)]).unsearched).toEqual([]);
  });

  test('a connection that began again before it had ended', () => {
    const again = search([segment(1, START), segment(900, '', { flags: 2 }), segment(11, END)]);
    expect(about(again.unsearched)[0]).toEqual(['discarded by SYN', [0, 1]]);
    const ended = search([segment(1, START, { flags: 0x11 }), segment(900, '', { flags: 2 }), segment(901, END)]);
    expect(ended.unsearched).toEqual([]);
  });

  test('bytes of a stream that came twice and differ, wherever in a segment they are', () => {
    const long = 'x'.repeat(500);
    const other = `${long.slice(0, 250)}y${long.slice(251)}`;
    const frames = [segment(1, 'first'), segment(6, long), segment(506, 'last'), segment(6, other)];
    expect(about(search(frames).unsearched)).toEqual([['contradiction', [1, 3]]]);
    const part = segment(100, long.slice(0, 50));
    expect(search([...frames.slice(0, 3), segment(6, long), part]).unsearched).toEqual([]);
    expect(about(search([...frames.slice(0, 3), segment(100, 'z'.repeat(50))]).unsearched)).toEqual([
      ['contradiction', [1, 3]],
    ]);
  });

  test('bytes that came again too late to be compared', () => {
    const frames = Array.from({ length: 100 }, (_, i) => segment(1 + i * 200, 'x'.repeat(200)));
    expect(search([...frames, segment(19_000, 'x'.repeat(50))]).unsearched).toEqual([]);
    expect(about(search([...frames, segment(1, 'x'.repeat(50))]).unsearched)).toEqual([['repeat not compared', [100]]]);
  });

  test('urgent bytes', () => {
    expect(about(search([segment(1, 'ab', { flags: 0x38, urgent: 1 })]).unsearched)).toEqual([['urgent bytes', [0]]]);
    expect(search([segment(1, 'ab', { flags: 0x18, urgent: 1 })]).unsearched).toEqual([]);
  });

  test('but nothing of what is ordinary: lookups, neighbours, keepalives, retransmissions, ICMP errors, encrypted data', () => {
    const quoted = ipv4(tcp('lost')).subarray(0, 28);
    const arp = ethernet(bytesFrom([0, 1, 8, 0, 6, 4, 0, 1], Buffer.alloc(20, 5), Buffer.alloc(18)), { type: 0x0806 });
    const wireguard = bytesFrom([4, 0, 0, 0], u32be(1), u32be(2), u32be(3), Buffer.alloc(48, 0xaa));
    const frames = [
      arp,
      segment(1, 'hello', { flags: 2 }),
      segment(2, 'hello'),
      segment(2, 'hello'),
      segment(6, ''),
      segment(7, 'more', { flags: 0x11 }),
      ethernet(ipv4(udp('lookup', { toPort: 53 }), { protocol: 17 })),
      ethernet(ipv4(udp(wireguard, { toPort: 51820 }), { protocol: 17 })),
      ethernet(ipv4(bytesFrom([3, 1, 0, 0, 0, 0, 0, 0], quoted), { protocol: 1 })),
      ethernet(bytesFrom([0x42, 0x42, 3], Buffer.alloc(43)), { type: 38 }),
      ethernet(ipv4(bytesFrom(u32be(9), u32be(1), Buffer.alloc(40, 9)), { protocol: 50 })),
      ethernet(ipv4(bytesFrom([0x16, 0, 0, 0], u32be(0)), { protocol: 2, optionBytes: [0x94, 4, 0, 0] })),
    ];
    expect(search(frames).unsearched).toEqual([]);
  });
});
