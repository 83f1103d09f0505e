import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isStatic } from '../../src/machine/static-binary.ts';
import { findTool } from '../../src/machine/tools.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wglab-elf-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function isStaticBytes(bytes: Uint8Array): boolean {
  const file = join(folder, 'program');
  writeFileSync(file, bytes);
  return isStatic(file);
}

test("tells this machine's static programs from its dynamic ones", () => {
  expect(isStatic(findTool('busybox') ?? '')).toBe(true);
  expect(isStatic(findTool('ls') ?? '')).toBe(false);
  expect(isStatic(process.execPath)).toBe(false);
});

test('what is not an ELF file is not static, and a missing one is an error', () => {
  for (const text of ['', '#!/bin/sh\n', '\u007fELF']) expect(isStaticBytes(Buffer.from(text, 'latin1'))).toBe(false);
  expect(() => isStatic(join(folder, 'nothing'))).toThrow('ENOENT');
});

/** A program of nothing but headers, as elf(5) lays them out. */
function elf({ wide, big, segments }: { wide: boolean; big: boolean; segments: number[] }): Buffer {
  const [start, size] = wide ? [64, 56] : [52, 32];
  const bytes = Buffer.alloc(start + size * segments.length);
  bytes.write('\u007fELF', 'latin1');
  bytes.set([wide ? 2 : 1, big ? 2 : 1], 4);
  const half = (value: number, at: number) => (big ? bytes.writeUInt16BE(value, at) : bytes.writeUInt16LE(value, at));
  const word = (value: number, at: number) => (big ? bytes.writeUInt32BE(value, at) : bytes.writeUInt32LE(value, at));
  if (!wide) word(start, 28);
  else if (big) bytes.writeBigUInt64BE(BigInt(start), 32);
  else bytes.writeBigUInt64LE(BigInt(start), 32);
  half(size, wide ? 54 : 42);
  half(segments.length, wide ? 56 : 44);
  segments.forEach((kind, i) => void word(kind, start + i * size));
  return bytes;
}

test('finds the loader among the segments, in both widths and byte orders', () => {
  const program = fc.record({
    wide: fc.boolean(),
    big: fc.boolean(),
    segments: fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
  });
  fc.assert(fc.property(program, (it) => isStaticBytes(elf(it)) === !it.segments.includes(3)));
});

test('broken headers are no crash', () => {
  const busybox = readFileSync(findTool('busybox') ?? '').subarray(0, 1024);
  const change = fc.record({ at: fc.nat(63), byte: fc.nat(255), length: fc.nat(busybox.length) });
  fc.assert(
    fc.property(change, ({ at, byte, length }) => {
      const bytes = Buffer.from(busybox.subarray(0, length));
      if (at < length) bytes[at] = byte;
      return typeof isStaticBytes(bytes) === 'boolean';
    }),
  );
});
