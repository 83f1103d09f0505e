import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MarkerScan } from '../../src/wire/marker-scan.ts';
import { MarkerSearch, type Sighting } from '../../src/wire/marker-search.ts';
import { type Frame, LinkType } from '../../src/wire/packet.ts';
import { RECODINGS } from '../../src/wire/recodings.ts';
import { ENCAPSULATIONS } from './encapsulations.ts';
import { bytesFrom, ethernet, fragments, inVxlan, ipv4, ipv6, tcp, udp } from './packet-builder.ts';

const PREFIX = randomBytes(12);
const markers = new Map(Array.from({ length: 20 }, (_, i) => [i, bytesFrom(PREFIX, randomBytes(4 + 2 * i))]));
const marker = (id: number): Uint8Array => markers.get(id) ?? new Uint8Array(0);

const toFrame = (bytes: Uint8Array, index: number): Frame => ({
  index,
  time: 0,
  linkType: LinkType.ethernet,
  originalLength: bytes.length,
  bytes,
});

/** Everything that was not searched, by its kind. */
function lossesOf(search: MarkerSearch<number>): string[] {
  search.finish();
  return search.takeUnsearched().map(({ kind }) => kind);
}

/** Building it takes most of the time of a short search. */
const scan = new MarkerScan(markers);

interface Outcome {
  sightings: Sighting<number>[];
  /** For each frame, the markers that it held wholly or in part. */
  held: number[][];
  search: MarkerSearch<number>;
}

/** Feeds frames one by one, as they would come from different buffers. */
function searchIn(all: readonly Uint8Array[], search = new MarkerSearch(scan)): Outcome {
  const sightings = all.flatMap((bytes, i) => search.feed([toFrame(bytes, i)]));
  const held = all.map((_, i) => {
    const here = sightings.filter((sighting) => sighting.frames.includes(i)).map((sighting) => sighting.marker);
    return [...new Set(here)].sort((a, b) => a - b);
  });
  return { sightings, held, search };
}

/** How a packet may reach the wire. */
const encapsulations = fc.constantFrom(...Object.values(ENCAPSULATIONS).map(({ wrap }) => wrap));
const families = fc.constantFrom(ipv4, ipv6);

/** A text with a marker in it, and where it stands. */
const stream = fc.record({ id: fc.nat(19), before: fc.nat(100), after: fc.nat(100) }).map(({ id, before, after }) => ({
  id,
  bytes: bytesFrom(Buffer.alloc(before, '<'), marker(id), Buffer.alloc(after, '>')),
  start: before,
  end: before + marker(id).length,
}));

/** Places to cut so many bytes at, any number of them. */
function pieces(bytes: Uint8Array, cuts: readonly number[]): { start: number; bytes: Uint8Array }[] {
  const at = [...new Set([0, ...cuts.map((cut) => cut % bytes.length)])].sort((a, b) => a - b);
  return at.map((start, i) => ({ start, bytes: bytes.subarray(start, at[i + 1] ?? bytes.length) }));
}

function shuffle<T>(list: readonly T[], keys: readonly number[]): T[] {
  return list
    .map((item, i) => ({ item, key: keys[i % keys.length] ?? 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

const cuts = fc.array(fc.nat(10_000), { maxLength: 30 });
const keys = fc.array(fc.nat(1000), { minLength: 1, maxLength: 31 });
const sequences = fc.constantFrom(1, 2 ** 32 - 50, 2 ** 31 - 20, 0);

describe('a marker is found', () => {
  test('anywhere in a frame, whatever is around it', () => {
    const junk = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(junk, fc.nat(19), junk, fc.nat(300), (before, id, after, linkType) => {
        const bytes = bytesFrom(before, marker(id), after);
        const found = new MarkerSearch(scan).feed([{ ...toFrame(bytes, 5), linkType }]);
        const characters = marker(id).length;
        expect(found).toEqual([{ marker: id, frames: [5], split: false, form: 'plain', characters }]);
      }),
    );
  });

  test('in UDP to the port of WireGuard that is not WireGuard', () => {
    const packet = ethernet(ipv4(udp(bytesFrom([4, 0, 0, 0], marker(3)), { toPort: 51820 }), { protocol: 17 }));
    expect(searchIn([packet]).held).toEqual([[3]]);
  });

  test('in each frame of a batch that lies in one buffer, and not across two', () => {
    const gap = Buffer.alloc(16, 1);
    const half = marker(5).length / 2;
    const parts = [
      bytesFrom('first', marker(1), marker(2), marker(1)),
      bytesFrom(marker(5).subarray(0, half)),
      bytesFrom(marker(5).subarray(half), 'x'),
      bytesFrom(marker(7)),
    ];
    // Two that touch: no gap between the halves.
    const buffer = new Uint8Array(bytesFrom(parts[0] ?? [], gap, parts[1] ?? [], parts[2] ?? [], gap, parts[3] ?? []));
    const starts = [0, 16, 16, 32].map(
      (gaps, i) => gaps + parts.slice(0, i).reduce((sum, part) => sum + part.length, 0),
    );
    const batch = parts.map((part, i) => toFrame(buffer.subarray(starts[i], (starts[i] ?? 0) + part.length), i + 100));
    const found = new MarkerSearch(markers).feed(batch).map((sighting) => [sighting.marker, sighting.frames]);
    expect(found).toEqual([
      [1, [100]],
      [2, [100]],
      [7, [103]],
    ]);
  });

  test('cut at any bytes over TCP segments, in any order, repeated, in any encapsulation, from any sequence number', () => {
    fc.assert(
      fc.property(
        stream,
        cuts,
        keys,
        encapsulations,
        families,
        sequences,
        cuts,
        (text, at, order, wrap, ip, first, again) => {
          const segments = shuffle(
            [...pieces(text.bytes, at), ...pieces(text.bytes, again).filter((_, i) => (again[i] ?? 0) % 2 === 0)],
            order,
          );
          const frames = segments.map((piece) => wrap(ip(tcp(piece.bytes, { sequence: (first + piece.start) >>> 0 }))));
          const { held } = searchIn(frames);
          expect(held.flat()).toContain(text.id);
          expect(new Set(held.flat()).size).toBe(1);
          // No frame without a part of it is named.
          for (const [i, piece] of segments.entries()) {
            if (piece.start >= text.end || piece.start + piece.bytes.length <= text.start) expect(held[i]).toEqual([]);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('and every frame that carried a part of it is named, also those that come again', () => {
    fc.assert(
      fc.property(stream, cuts, keys, encapsulations, fc.boolean(), (text, at, order, wrap, twice) => {
        const once = pieces(text.bytes, at);
        const segments = shuffle(twice ? [...once, ...once] : once, order);
        const { held } = searchIn(segments.map((piece) => wrap(ipv4(tcp(piece.bytes, { sequence: 9 + piece.start })))));
        const expected = segments.map((piece) =>
          piece.start < text.end && piece.start + piece.bytes.length > text.start ? [text.id] : [],
        );
        expect(held).toEqual(expected);
      }),
      { numRuns: 1500 },
    );
  });

  test('cut over IP fragments in any order, of UDP, TCP, and VXLAN', () => {
    const kinds = fc.constantFrom(
      (data: Uint8Array) => ipv4(udp(data), { protocol: 17 }),
      (data: Uint8Array) => ipv6(udp(data), { protocol: 17 }),
      (data: Uint8Array) => ipv4(tcp(data)),
      (data: Uint8Array) => inVxlan(ethernet(ipv4(tcp(data)))),
    );
    fc.assert(
      fc.property(
        stream,
        kinds,
        fc.integer({ min: 1, max: 6 }),
        keys,
        encapsulations,
        fc.boolean(),
        (text, kind, eighths, order, wrap, twice) => {
          const packet = kind(text.bytes);
          const at = Buffer.from(packet).indexOf(marker(text.id));
          const header = (packet[0] ?? 0) >> 4 === 6 ? 40 : 20;
          const once = fragments(packet, eighths * 8, 77).map((bytes, i) => ({
            bytes,
            start: header + i * eighths * 8,
          }));
          const all = shuffle(twice ? [...once, ...once] : once, order);
          const { held, search } = searchIn(all.map((part) => wrap(part.bytes)));
          const expected = all.map(({ start }) =>
            start < at + marker(text.id).length && start + eighths * 8 > at ? [text.id] : [],
          );
          expect(held).toEqual(expected);
          expect(lossesOf(search)).toEqual([]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('cut over TCP segments whose packets are cut into fragments', () => {
    fc.assert(
      fc.property(
        stream,
        cuts,
        keys,
        fc.integer({ min: 1, max: 4 }),
        encapsulations,
        (text, at, order, eighths, wrap) => {
          const frames = pieces(text.bytes, at).flatMap((piece, i) => {
            const outer = inVxlan(ethernet(ipv4(tcp(piece.bytes, { sequence: 1 + piece.start }))));
            return fragments(outer, eighths * 8, i).map(wrap);
          });
          expect(searchIn(shuffle(frames, order)).held.flat()).toContain(text.id);
        },
      ),
    );
  });

  test('in fragments of fragments', () => {
    const inner = fragments(ipv4(tcp(bytesFrom('.'.repeat(30), marker(19), '.'.repeat(30)))), 32, 5);
    const outer = inner.flatMap((fragment, i) => fragments(inVxlan(ethernet(fragment)), 40, 100 + i));
    const { sightings } = searchIn(outer.map((fragment) => ethernet(fragment)));
    expect(new Set(sightings.map((s) => s.marker))).toEqual(new Set([19]));
    expect(Math.max(...sightings.map(({ frames }) => frames.length))).toBeGreaterThan(1);
    // The marker lies in four outer fragments.
    expect(new Set(sightings.flatMap(({ frames }) => frames)).size).toBeGreaterThan(2);
  });

  test('in a new connection between the same ports', () => {
    const half = 10;
    const frame = (sequence: number, data: Uint8Array | string, flags = 0x18) =>
      ethernet(ipv4(tcp(data, { sequence, flags })));
    const { held } = searchIn([
      frame(1000, '', 0x02),
      frame(1001, 'x'.repeat(200)),
      frame(1050, '', 0x02),
      frame(1051, marker(4).subarray(0, half)),
      frame(1051 + half, marker(4).subarray(half)),
    ]);
    expect(held).toEqual([[], [], [], [4], [4]]);
  });

  test('after a SYN that carries data, and comes again', () => {
    const half = 10;
    const open = ethernet(ipv4(tcp(marker(4).subarray(0, half), { sequence: 1000, flags: 0x02 })));
    const rest = ethernet(ipv4(tcp(marker(4).subarray(half), { sequence: 1001 + half })));
    expect(searchIn([open, rest]).held).toEqual([[4], [4]]);
    const parts = pieces(marker(5), [8]).map((piece) =>
      ethernet(ipv4(tcp(piece.bytes, { sequence: 1001 + piece.start }))),
    );
    const syn = ethernet(ipv4(tcp('', { sequence: 1000, flags: 0x02 })));
    expect(searchIn([syn, parts[0] ?? syn, syn, parts[1] ?? syn]).held).toEqual([[], [5], [], [5]]);
  });

  test('next to a cut, and is then not said to be split', () => {
    const segments = [marker(1), marker(2)].map((bytes, i) =>
      ethernet(ipv4(tcp(bytes, { sequence: i ? marker(1).length : 0 }))),
    );
    const { sightings } = searchIn(segments);
    expect(sightings.map(({ marker, frames, split }) => [marker, frames, split])).toEqual([
      [1, [0], false],
      [2, [1], false],
    ]);
  });

  test('in the right one of two networks with the same addresses', () => {
    const half = 10;
    const part = (vni: number, from: number, data: Uint8Array) =>
      ethernet(inVxlan(ethernet(ipv4(tcp(data, { sequence: 1 + from }))), { vni }));
    const { held } = searchIn([
      part(1, 0, marker(4).subarray(0, half)),
      part(2, 0, marker(5).subarray(0, half)),
      part(2, half, marker(5).subarray(half)),
      part(1, half, marker(4).subarray(half)),
    ]);
    expect(held).toEqual([[4], [5], [5], [4]]);
  });
});

describe('nothing is found', () => {
  test('where the bytes between the parts did not come, or came on another connection', () => {
    const [a, b, c] = [marker(2).subarray(0, 9), marker(2).subarray(9, 10), marker(2).subarray(10)];
    const { sightings } = searchIn([
      ethernet(ipv4(tcp(a, { sequence: 1 }))),
      ethernet(ipv4(tcp(c, { sequence: 11 }))),
      ethernet(ipv4(tcp(b, { sequence: 10, fromPort: 2 }))),
    ]);
    expect(sightings).toEqual([]);
  });

  test('where a probe with a wrong byte comes between, the marker still is', () => {
    const [a, b] = [marker(8).subarray(0, 9), marker(8).subarray(9)];
    const { held } = searchIn([
      ethernet(ipv4(tcp(a, { sequence: 1 }))),
      ethernet(ipv4(tcp(Uint8Array.of(0), { sequence: 9 }))),
      ethernet(ipv4(tcp(b, { sequence: 10 }))),
    ]);
    expect(held).toEqual([[8], [], [8]]);
  });
});

describe('any set of markers', () => {
  /** Every form of a marker, and whether a text has enough of one, by the simplest of means. */
  function isIn(text: Uint8Array, marker: Uint8Array): boolean {
    const lower = (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString('latin1').toLowerCase(), 'latin1');
    return RECODINGS.some(({ write, caseless, shortest }) =>
      write(marker).some((form) => {
        const [where, what] = caseless ? [lower(text), lower(form)] : [Buffer.from(text), Buffer.from(form)];
        const starts = Array.from({ length: Math.max(0, what.length - shortest + 1) }, (_, start) => start);
        return starts.some((start) => where.includes(what.subarray(start, start + shortest)));
      }),
    );
  }

  test('is found by its pieces, and only those that are there, however alike the markers are', () => {
    // Few different characters: markers have much in common, and with their own reverse.
    const text = fc
      .array(fc.constantFrom('a', 'B', '0'), { minLength: 16, maxLength: 40 })
      .map((letters) => Buffer.from(letters.join('')));
    const part = fc.record({
      which: fc.nat(9),
      from: fc.nat(30),
      length: fc.nat(40),
      form: fc.nat(40),
      junk: fc.string({ maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 10 }), fc.array(part, { maxLength: 6 }), (set, parts) => {
        const bytes = bytesFrom(
          ...parts.flatMap(({ which, from, length, form, junk }) => {
            const forms = RECODINGS.flatMap(({ write }) => write(set[which % set.length] ?? new Uint8Array(16)));
            return [(forms[form % forms.length] ?? new Uint8Array(0)).subarray(from, from + length), junk];
          }),
        );
        const search = new MarkerSearch(new Map(set.entries()));
        const found = new Set(search.feed([toFrame(bytes, 0)]).map((sighting) => sighting.marker));
        const present = [...set.keys()].filter((id) => isIn(bytes, set[id] ?? bytes));
        for (const id of found) expect(present).toContain(id);
        const shared = search.takeUnsearched().some(({ kind }) => kind === 'shared piece');
        if (present.length > 0) expect(found.size > 0 || shared).toBe(true);
        if (present.length === 1) expect([...found]).toEqual(present);
      }),
      { numRuns: 2000 },
    );
  });

  test('may have 5000 members', () => {
    const many = new Map(Array.from({ length: 5000 }, (_, i) => [i, bytesFrom(PREFIX, randomBytes(20))]));
    const search = new MarkerSearch(many);
    for (const id of [0, 4999, 77]) {
      const bytes = ethernet(ipv4(tcp(bytesFrom('x', many.get(id) ?? []))));
      expect(search.feed([toFrame(bytes, id)])).toMatchObject([{ marker: id, frames: [id], split: false }]);
    }
  });

  test.each([[[]], [['fifteen letters']], [['x'.repeat(256)]]])('is refused where it makes no sense: %j', (texts) => {
    expect(() => new MarkerSearch(new Map(texts.map((text) => [text, Buffer.from(text)])))).toThrow(RangeError);
  });
});

describe('memory is bounded', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');

  /** In megabytes. */
  function growth(work: () => void): number {
    collectGarbage();
    const before = process.memoryUsage();
    work();
    collectGarbage();
    const after = process.memoryUsage();
    return (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1e6;
  }

  test('with ever new connections, gaps and fragments, and what is given up is counted', () => {
    const search = new MarkerSearch(markers);
    const reasons = new Map<string, number>();
    const grown = growth(() => {
      for (let i = 0; i < 40_000; i++) {
        for (const { reason } of search.takeUnsearched()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        const from = `10.${i & 255}.${(i >> 8) & 255}.1`;
        const sequence = i * 1000;
        search.feed([
          toFrame(ethernet(ipv4(tcp('data '.repeat(20), { fromPort: i & 0xffff }), { from })), 3 * i),
          toFrame(ethernet(ipv4(tcp('gaps '.repeat(20), { sequence }))), 3 * i + 1),
          toFrame(ethernet(ipv4(Buffer.alloc(800), { from, id: i & 0xffff, more: true, protocol: 17 })), 3 * i + 2),
        ]);
      }
    });
    expect(grown).toBeLessThan(60);
    expect(reasons.get('a stream has too many gaps at a time')).toBeGreaterThan(30_000);
    expect(reasons.get('there are too many fragments at a time')).toBeGreaterThan(20_000);
  });

  test('a connection that goes on after it was given up is noticed, and one that does not is no loss', () => {
    const search = new MarkerSearch(markers, { flows: 10 });
    const frame = (fromPort: number, sequence: number, index: number) =>
      toFrame(ethernet(ipv4(tcp('data', { fromPort, sequence }))), index);
    for (let i = 0; i < 100; i++) search.feed([frame(1000 + i, 1, i)]);
    expect(search.takeUnsearched()).toEqual([]);
    search.feed([frame(1000, 5, 100)]);
    expect(search.takeUnsearched()).toMatchObject([{ kind: 'over bound', frames: [100] }]);
  });

  test('what is not taken of the list of what was not searched is bounded', () => {
    const search = new MarkerSearch(markers);
    const unknown = ethernet(Buffer.alloc(60, 1), { type: 0x88e5 });
    for (let i = 0; i < 20_000; i++) search.feed([toFrame(unknown, i)]);
    const list = search.takeUnsearched();
    expect([list.length, list.at(-1)?.kind]).toEqual([16_385, 'over bound']);
  });

  test('connections that ended are forgotten without being counted', () => {
    const search = new MarkerSearch(markers, { flows: 10 });
    for (let i = 0; i < 100; i++) {
      const ports = { fromPort: 1000 + i };
      search.feed([
        toFrame(ethernet(ipv4(tcp('data', ports))), 2 * i),
        toFrame(ethernet(ipv4(tcp('', { ...ports, flags: 0x11, sequence: 5 }))), 2 * i + 1),
      ]);
    }
    expect(lossesOf(search)).toEqual([]);
  });
});
