import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CaptureReader, readCaptureFile } from '../../src/wire/capture-file.ts';
import { CaptureError } from '../../src/wire/capture-format.ts';
import type { Frame } from '../../src/wire/packet.ts';
import { bytesFrom, ethernet, ipv4, pcap, tcp, u16be, u32be } from './packet-builder.ts';

interface ReadAll {
  frames: Frame[];
  truncated: boolean;
  error: CaptureError | undefined;
}

/** Pushes the file in pieces of the given sizes, over and over. Errors other than CaptureError fail the test. */
function readAll(file: Uint8Array, sizes: readonly number[] = [file.length || 1]): ReadAll {
  const reader = new CaptureReader();
  const frames: Frame[] = [];
  try {
    for (let at = 0, i = 0; at < file.length; i++) {
      const size = sizes[i % sizes.length] ?? 1;
      frames.push(...reader.push(file.slice(at, at + size)));
      at += size;
    }
    return { frames, truncated: reader.end().truncated, error: undefined };
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return { frames, truncated: false, error };
  }
}

const plain = (frames: readonly Frame[]) =>
  frames.map((frame) => ({ ...frame, bytes: Buffer.from(frame.bytes).toString('hex') }));

/** One block of pcapng; what it holds is padded to four bytes. */
function block(type: number, holds: Uint8Array, big: boolean): Uint8Array {
  const length = 12 + Math.ceil(holds.length / 4) * 4;
  const n32 = (value: number) => (big ? u32be(value) : u32be(value).reverse());
  return bytesFrom(n32(type), n32(length), holds, Buffer.alloc(length - 12 - holds.length), n32(length));
}

/** A section with all kinds of packet blocks, and blocks that nobody knows. Interface 1 counts in 1/1024 s from 100 s on. */
function section(frame: Uint8Array, big: boolean): Uint8Array {
  const n32 = (value: number) => (big ? u32be(value) : u32be(value).reverse());
  const n16 = (value: number) => (big ? u16be(value) : u16be(value).reverse());
  const offset = big ? [...n32(0), ...n32(100)] : [...n32(100), ...n32(0)];
  const options = [
    ...n16(2),
    ...n16(3),
    108,
    111,
    48,
    0,
    ...n16(9),
    ...n16(1),
    0x8a,
    0,
    0,
    0,
    ...n16(14),
    ...n16(8),
    ...offset,
  ];
  const length = n32(frame.length);
  return bytesFrom(
    block(0x0a0d0d0a, bytesFrom(n32(0x1a2b3c4d), n16(1), n16(0), [255, 255, 255, 255, 255, 255, 255, 255]), big),
    block(1, bytesFrom(n16(1), n16(0), n32(64)), big),
    block(1, bytesFrom(n16(1), n16(0), n32(0), options, n16(0), n16(0)), big),
    block(0x0bad, bytesFrom('of no interest'), big),
    block(
      6,
      bytesFrom(n32(0), n32(1), n32(2), length, n32(1500), frame, Buffer.alloc((4 - (frame.length % 4)) % 4), n16(0)),
      big,
    ),
    block(6, bytesFrom(n32(1), n32(0), n32(2048), length, length, frame), big),
    block(3, bytesFrom(length, frame.subarray(0, 64)), big),
    block(2, bytesFrom(n16(0), n16(9), n32(0), n32(7000), length, length, frame), big),
  );
}

const frame = Buffer.from(
  ethernet(ipv4(tcp('a frame that is longer than the sixty-four bytes which the interface keeps'))),
);

describe('pcap', () => {
  test.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('is read in both byte orders and resolutions: big %s, nanoseconds %s', (big, nanoseconds) => {
    const file = pcap([frame, frame.subarray(0, 30)], {
      big,
      nanoseconds,
      linkType: 113,
      start: [1_700_000_000, 500_000],
    });
    const { frames, truncated } = readAll(file);
    const first = nanoseconds ? 0.5 : 500;
    expect(truncated).toBe(false);
    expect(frames.map((f) => [f.index, f.linkType, f.bytes.length, f.originalLength])).toEqual([
      [0, 113, frame.length, frame.length],
      [1, 113, 30, 30],
    ]);
    expect(frames[0]?.time).toBeCloseTo(1_700_000_000_000 + first, 3);
    expect(frames[0]?.bytes).toEqual(new Uint8Array(frame));
  });

  test('says where a file ends too early, at every byte', () => {
    const file = pcap([frame, frame]);
    for (let length = 0; length < file.length; length++) {
      const { frames, truncated, error } = readAll(file.subarray(0, length));
      const records = Math.max(0, Math.floor((length - 24) / (16 + frame.length)));
      expect(frames.length).toBe(records);
      if (length < 24) expect(error?.message).toMatch(length === 0 ? /empty/ : /ends within its header/);
      else expect([length, truncated]).toEqual([length, (length - 24) % (16 + frame.length) !== 0]);
    }
  });

  test('gives the frames before a broken one, then the error, and stays broken', () => {
    const file = Buffer.from(pcap([frame, frame, frame]));
    const second = 24 + 16 + frame.length;
    file.writeUInt32LE(256 * 1024 + 1, second + 8);
    const reader = new CaptureReader();
    expect(reader.push(file)).toHaveLength(1);
    expect(() => reader.push(file)).toThrow(`A frame of 262145 bytes cannot be (at byte ${second})`);
    expect(() => reader.end()).toThrow(CaptureError);
  });

  test.each([
    ['text', Buffer.from('this is not a capture at all, but some text')],
    ['zeros', Buffer.alloc(100)],
    ['a version from the future', Buffer.from(pcap([frame])).fill(9, 4, 6)],
  ])('refuses %s', (_, bytes) => {
    expect(readAll(bytes).error).toBeInstanceOf(CaptureError);
  });
});

describe('pcapng', () => {
  test('is read in both byte orders, over several sections, with all packet blocks', () => {
    const both = readAll(bytesFrom(section(frame, false), section(frame, true)));
    expect(both.error).toBeUndefined();
    const { frames } = both;
    expect(frames.map((f) => f.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const [enhanced, counted, simple, old] = plain(frames);
    expect(enhanced).toMatchObject({ time: (2 ** 32 + 2) / 1000, originalLength: 1500, bytes: frame.toString('hex') });
    expect(counted).toMatchObject({ time: 102_000, originalLength: frame.length });
    expect(simple).toMatchObject({
      time: 0,
      originalLength: frame.length,
      bytes: frame.subarray(0, 64).toString('hex'),
    });
    expect(old).toMatchObject({ time: 7, bytes: frame.toString('hex') });
    expect(
      plain(frames)
        .slice(4)
        .map((f) => ({ ...f, index: f.index - 4 })),
    ).toEqual(plain(frames).slice(0, 4));
  });

  const broken: [string, (file: Buffer) => void, RegExp][] = [
    ['a block of no length', (file) => file.writeUInt32LE(0, 28 + 4), /block of 0 bytes/],
    ['a block of a gigabyte', (file) => file.writeUInt32LE(2 ** 30, 28 + 4), /block of 1073741824 bytes/],
    ['lengths that differ', (file) => file.writeUInt32LE(24, 28 + 16), /length twice/],
    ['no byte order', (file) => file.fill(0, 8, 12), /byte order/],
    [
      'an unknown interface',
      (file) => file.writeUInt32LE(7, file.indexOf(Buffer.from([6, 0, 0, 0])) + 8),
      /interface 7/,
    ],
    [
      'a frame beyond its block',
      (file) => file.writeUInt32LE(900, file.indexOf(Buffer.from([6, 0, 0, 0])) + 20),
      /longer than its block/,
    ],
  ];
  test.each(broken)('refuses %s', (_, damage, message) => {
    const file = Buffer.from(section(frame, false));
    damage(file);
    expect(readAll(file).error?.message).toMatch(message);
  });

  test('does not know the interfaces of the section before', () => {
    const whole = section(frame, false);
    const simple = block(3, bytesFrom(u32be(4).reverse(), 'data'), false);
    const { frames, error } = readAll(bytesFrom(whole, whole.subarray(0, 28), simple));
    expect([frames.length, error?.message]).toEqual([4, expect.stringMatching(/interface 0/)]);
  });

  test('does not take more interfaces than there can be', () => {
    const start = section(frame, false).subarray(0, 28);
    const one = block(1, Buffer.alloc(8), false);
    expect(readAll(bytesFrom(start, Buffer.alloc(70_000 * one.length, one))).error?.message).toMatch(
      /too many interfaces/,
    );
  });
});

const captures = fc.constantFrom(
  pcap([frame, frame.subarray(0, 20), new Uint8Array(0), frame]),
  pcap([frame, frame], { big: true, nanoseconds: true }),
  bytesFrom(section(frame, true), section(frame, false)),
);

describe('any capture', () => {
  test('gives the same frames however it is cut into chunks', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(captures, sizes, (file, chunks) => {
        expect(plain(readAll(file, chunks).frames)).toEqual(plain(readAll(file).frames));
      }),
    );
  });

  test('with damaged bytes gives frames, a truncation or a CaptureError, and the same in any chunks', () => {
    const damage = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(captures, damage, fc.integer({ min: 1, max: 50 }), (file, changes, size) => {
        const bytes = Buffer.from(file);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const whole = readAll(bytes);
        const pieces = readAll(bytes, [size]);
        expect(pieces.frames.length).toBe(whole.frames.length);
        expect([pieces.error?.message, pieces.truncated]).toEqual([whole.error?.message, whole.truncated]);
      }),
      { numRuns: 1000 },
    );
  });

  test('of arbitrary bytes after a good beginning does no harm', () => {
    const beginnings = fc.constantFrom(pcap([]), section(frame, false).subarray(0, 28 + 20), new Uint8Array(0));
    fc.assert(
      fc.property(beginnings, fc.uint8Array({ maxLength: 600 }), (beginning, rest) => {
        readAll(bytesFrom(beginning, rest));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a capture file', () => {
  async function withFile(content: Uint8Array, use: (path: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'wglab-capture-'));
    try {
      await writeFile(join(folder, 'file'), content);
      await use(join(folder, 'file'));
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('longer than a chunk is read whole, and its truncation is reported', async () => {
    const many = Array.from({ length: 60 }, (_, i) => Buffer.alloc(60_000, i));
    await withFile(pcap(many).subarray(0, -1), async (path) => {
      const capture = readCaptureFile(path);
      const frames: Frame[] = [];
      for await (const batch of capture) frames.push(...batch);
      // Frames of former batches are still what they were.
      expect(frames.map((f) => [f.index, f.bytes.every((byte) => byte === f.index)])).toEqual(
        many.slice(0, -1).map((_, i) => [i, true]),
      );
      expect(capture.truncated).toBe(true);
    });
  });

  test('can be left early', async () => {
    await withFile(pcap(Array.from({ length: 60 }, () => Buffer.alloc(60_000))), async (path) => {
      for await (const batch of readCaptureFile(path)) {
        expect(batch.length).toBeGreaterThan(0);
        break;
      }
    });
  });

  test('that is empty, or is not there, is an error', async () => {
    const readWhole = async (path: string) => {
      for await (const _ of readCaptureFile(path));
    };
    await withFile(new Uint8Array(0), async (path) => {
      await expect(readWhole(path)).rejects.toThrow(CaptureError);
      await expect(readWhole(`${path}.not`)).rejects.toThrow('ENOENT');
    });
  });
});
