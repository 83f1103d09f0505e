import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MarkerScan } from '../../src/wire/marker-scan.ts';
import { MarkerSearch, type Sighting } from '../../src/wire/marker-search.ts';
import { type Frame, LinkType } from '../../src/wire/packet.ts';
import { searchedForms } from '../../src/wire/recodings.ts';
import { bytesFrom, ethernet, ipv4, ipv6, tcp, u16be, u32be, udp } from './packet-builder.ts';

const RUN = randomBytes(8).toString('hex');
const texts = Array.from({ length: 30 }, () => RUN + randomBytes(16).toString('hex'));
const markers = new Map(texts.map((text, id) => [id, Buffer.from(text)]));
/** Not within what all of them begin with. */
const UNIQUE = RUN.length;

const scan = new MarkerScan(markers);

const toFrame = (bytes: Uint8Array, index: number): Frame => ({
  index,
  time: 0,
  linkType: LinkType.ethernet,
  originalLength: bytes.length,
  bytes,
});

function searchIn(frames: readonly Uint8Array[]): Sighting<number>[] {
  const search = new MarkerSearch(scan);
  return [...frames.flatMap((bytes, i) => search.feed([toFrame(bytes, i)])), ...search.finish()];
}

const base64 = (text: string, before: number) => Buffer.from('xyz'.slice(0, before) + text);

/** How somebody may write a text down. */
const FORMS: Record<string, { form: Sighting<number>['form']; write(text: string): Uint8Array }> = {
  'as it is': { form: 'plain', write: (text) => Buffer.from(text) },
  uppercase: { form: 'plain', write: (text) => Buffer.from(text.toUpperCase()) },
  'mixed case': {
    form: 'plain',
    write: (text) => Buffer.from(text.replace(/[a-f]/g, (letter, i) => (i % 2 ? letter : letter.toUpperCase()))),
  },
  reversed: { form: 'reversed', write: (text) => Buffer.from([...text].reverse().join('')) },
  'reversed uppercase': { form: 'reversed', write: (text) => Buffer.from([...text.toUpperCase()].reverse().join('')) },
  hexadecimal: { form: 'hexadecimal', write: (text) => Buffer.from(Buffer.from(text).toString('hex')) },
  'hexadecimal of uppercase': {
    form: 'hexadecimal',
    write: (text) => Buffer.from(Buffer.from(text.toUpperCase()).toString('hex').toUpperCase()),
  },
  'base64 from its first byte': { form: 'base64', write: (text) => Buffer.from(base64(text, 0).toString('base64')) },
  'base64 from its second byte': {
    form: 'base64',
    write: (text) => Buffer.from(base64(text, 1).toString('base64url')),
  },
  'base64 from its third byte': { form: 'base64', write: (text) => Buffer.from(base64(text, 2).toString('base64')) },
  'base64 of uppercase': {
    form: 'base64',
    write: (text) => Buffer.from(base64(text.toUpperCase(), 1).toString('base64')),
  },
  'UTF-16, little-endian': { form: 'UTF-16', write: (text) => Buffer.from(text, 'utf16le') },
  'UTF-16, big-endian': { form: 'UTF-16', write: (text) => Buffer.from(text, 'utf16le').swap16() },
};

/** How a text may be cut over packets, each of which has its number. */
const CARRIERS: Record<string, (piece: Uint8Array, start: number, number: number) => Uint8Array> = {
  TCP: (piece, start) => ethernet(ipv4(tcp(piece, { sequence: 1 + start }))),
  UDP: (piece) => ethernet(ipv6(udp(piece), { protocol: 17 })),
  ICMP: (piece, _, number) => ethernet(ipv4(bytesFrom([8, 0, 0, 0, 0, 7], u16be(number), piece), { protocol: 1 })),
  'ICMP of IPv6': (piece, _, number) =>
    ethernet(ipv6(bytesFrom([128, 0, 0, 0, 0, 7], u16be(number), piece), { protocol: 58 })),
  SCTP: (piece, _, number) => ethernet(ipv4(sctp([piece], number), { protocol: 132 })),
  'an unknown IP protocol': (piece) => ethernet(ipv4(piece, { protocol: 253 })),
  'the data of WireGuard messages': (piece, _, number) =>
    ethernet(
      ipv4(
        udp(bytesFrom([4, 0, 0, 0], u32be(9), u32be(number), u32be(0), piece.length < 16 ? bytesFrom(piece) : piece)),
        {
          protocol: 17,
        },
      ),
    ),
};

function sctp(pieces: readonly Uint8Array[], number: number, stream = 5): Uint8Array {
  const chunks = pieces.map((piece, i) => {
    const padding = Buffer.alloc((4 - (piece.length % 4)) % 4);
    const header = [
      0,
      3,
      ...u16be(16 + piece.length),
      ...u32be(number + i),
      ...u16be(stream),
      ...u16be(number),
      0,
      0,
      0,
      0,
    ];
    return bytesFrom(header, piece, padding);
  });
  return bytesFrom(u16be(1000), u16be(2000), u32be(77), u32be(0), ...chunks);
}

const ids = fc.nat(markers.size - 1);
/** At least 16 characters that one marker alone has. */
const piece = fc
  .record({ id: ids, from: fc.integer({ min: UNIQUE, max: UNIQUE + 16 }), length: fc.integer({ min: 16, max: 32 }) })
  .map(({ id, from, length }) => ({ id, text: texts[id]?.slice(from, Math.min(from + length, 48)) ?? '' }))
  .filter(({ text }) => text.length >= 16);
const junk = fc.string({ unit: fc.constantFrom('<', '>', ' ', '\n'), maxLength: 40 });

describe.each(Object.entries(FORMS))('a piece of 16 characters, %s', (_, { form, write }) => {
  test('is found anywhere in a frame', () => {
    fc.assert(
      fc.property(piece, junk, junk, ({ id, text }, before, after) => {
        const found = searchIn([ethernet(ipv4(udp(bytesFrom(before, write(text), after)), { protocol: 17 }))]);
        expect(found.map(({ marker, form, split }) => ({ marker, form, split }))).toEqual([
          { marker: id, form, split: false },
        ]);
        expect(found[0]?.characters).toBeGreaterThanOrEqual(Math.min(15, text.length));
        expect(found[0]?.characters).toBeLessThanOrEqual(48);
      }),
      { numRuns: 60 },
    );
  });

  test.each(Object.keys(CARRIERS))('is found cut at any byte over packets of %s', (carrier) => {
    const carry = CARRIERS[carrier] ?? CARRIERS.TCP;
    fc.assert(
      fc.property(piece, junk, fc.array(fc.nat(100), { maxLength: 8 }), ({ id, text }, before, cuts) => {
        const all = bytesFrom(before, write(text), '....');
        const at = [...new Set([0, ...cuts.map((cut) => cut % all.length)])].sort((a, b) => a - b);
        // A WireGuard message has at least 16 bytes after its header.
        const least = carrier.includes('WireGuard') ? 16 : 1;
        const starts = at.filter((start, i) => (at[i + 1] ?? all.length) - start >= least || i === 0);
        const pieces = starts.map((start, i) => all.subarray(start, starts[i + 1] ?? all.length));
        if (pieces.some((part) => part.length < least)) return;
        const frames = pieces.map((part, i) => carry?.(part, starts[i] ?? 0, i) ?? part);
        expect(new Set(searchIn(frames).map(({ marker }) => marker))).toEqual(new Set([id]));
      }),
      { numRuns: 40 },
    );
  });
});

describe('nothing is found', () => {
  test('in 15 characters of a marker, or 14 in base64', () => {
    for (const { form, write } of Object.values(FORMS)) {
      const text = texts[3]?.slice(UNIQUE, UNIQUE + (form === 'base64' ? 14 : 15)) ?? '';
      expect(searchIn([ethernet(ipv4(udp(bytesFrom(' ', write(text), ' ')), { protocol: 17 }))])).toEqual([]);
    }
  });

  test('in base64 of another case', () => {
    const written = Buffer.from(texts[3]?.slice(UNIQUE) ?? '').toString('base64');
    const swapped = written.replace(/[a-z]/gi, (letter) =>
      letter < 'a' ? letter.toLowerCase() : letter.toUpperCase(),
    );
    expect(searchIn([ethernet(ipv4(udp(swapped), { protocol: 17 }))])).toEqual([]);
  });

  test('in random bytes, and in random text of the same characters', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), maxLength: 600 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 600 }),
          text.map((all) => Buffer.from(all)),
        ),
        (bytes) => {
          expect(searchIn([ethernet(ipv4(udp(bytes), { protocol: 17 }))])).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('across the datagrams of two flows, or of two SCTP streams', () => {
    const [a, b] = [Buffer.from(texts[0]?.slice(20, 30) ?? ''), Buffer.from(texts[0]?.slice(30, 40) ?? '')];
    const [x, y] = [udp(a, { fromPort: 1 }), udp(b, { fromPort: 2 })].map((data) =>
      ethernet(ipv4(data, { protocol: 17 })),
    );
    expect(searchIn([x ?? a, y ?? b])).toEqual([]);
    const streams = [sctp([a], 1, 1), sctp([b], 2, 2)].map((packet) => ethernet(ipv4(packet, { protocol: 132 })));
    expect(searchIn(streams)).toEqual([]);
  });
});

test('SCTP chunks of one packet are searched each for itself, and together if they are of one stream', () => {
  const [a, b] = [Buffer.from(texts[0]?.slice(20, 30) ?? ''), Buffer.from(texts[0]?.slice(30, 40) ?? '')];
  expect(searchIn([ethernet(ipv4(sctp([a, b], 1), { protocol: 132 }))]).map(({ marker }) => marker)).toEqual([0]);
});

test('of a piece of what all markers begin with, nobody is said to be the sender', () => {
  const search = new MarkerSearch(markers);
  const shared = ethernet(ipv4(udp(`${RUN} `), { protocol: 17 }));
  expect(search.feed([toFrame(shared, 3)])).toEqual([]);
  expect(search.takeUnsearched()).toMatchObject([{ kind: 'shared piece', frames: [3] }]);
  const whole = ethernet(ipv4(udp(texts[7] ?? ''), { protocol: 17 }));
  expect(search.feed([toFrame(whole, 4)]).map(({ marker }) => marker)).toEqual([7]);
  expect(search.takeUnsearched()).toEqual([]);
});

test('a capture that is full of what all markers begin with is searched in bounded time, and that is said', () => {
  const search = new MarkerSearch(new MarkerScan(markers, 1000));
  const frame = toFrame(ethernet(ipv4(udp(RUN.repeat(80)), { protocol: 17 })), 0);
  for (let i = 0; i < 20; i++) search.feed([frame]);
  search.takeUnsearched();
  search.finish();
  expect(search.takeUnsearched()).toMatchObject([{ kind: 'over bound' }]);
});

test('of very many markers, the plain form and the reverse are found, and it is said that others are not looked for', () => {
  const many = new Map(Array.from({ length: 6000 }, (_, id) => [id, Buffer.from(randomBytes(24).toString('hex'))]));
  const text = many.get(4711) ?? Buffer.alloc(0);
  const search = new MarkerSearch(many);
  const feed = (data: Uint8Array) => search.feed([toFrame(ethernet(ipv4(udp(data), { protocol: 17 })), 0)]);
  expect(feed(text).map(({ marker }) => marker)).toEqual([4711]);
  expect(feed(Buffer.from(text).reverse()).map(({ marker }) => marker)).toContain(4711);
  expect(feed(Buffer.from(text.toString('hex')))).toEqual([]);
  search.finish();
  expect(search.takeUnsearched()).toMatchObject([
    { kind: 'over bound', reason: expect.stringContaining('too many markers') },
  ]);
});

test('it can be said what is looked for and what is not', () => {
  const { found, notFound } = searchedForms();
  expect(found.join('\n')).toMatch(
    /16 consecutive[\s\S]*reversed[\s\S]*hexadecimal[\s\S]*base64[\s\S]*UTF-16[\s\S]*UDP, SCTP or ICMP/,
  );
  expect(notFound.join('\n')).toMatch(/compressed[\s\S]*XOR/);
});
