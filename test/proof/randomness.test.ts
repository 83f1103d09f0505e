import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KeyStreamReuse, looksRandom, Pool } from '../../src/proof/randomness.ts';

function pooled(bodies: readonly Buffer[]): boolean {
  const pool = new Pool();
  for (const body of bodies) pool.add(body);
  return pool.looksRandom;
}

describe('ciphertext', () => {
  test('10,000 honest packets of each length all look random', () => {
    for (const length of [32, 48, 64, 96, 128, 256, 1456]) {
      const all = randomBytes(10_000 * length);
      for (let i = 0; i < 10_000; i++) expect(looksRandom(all.subarray(i * length, (i + 1) * length))).toBe(true);
    }
  });

  test('so do 1,000 honest runs of 50 packets, pooled', () => {
    for (let run = 0; run < 1000; run++) expect(pooled(Array.from({ length: 50 }, () => randomBytes(96)))).toBe(true);
  });
});

describe('what is no ciphertext does not look random', () => {
  const structured: [string, (length: number) => Buffer, number][] = [
    ['hexadecimal text', (length) => Buffer.from(randomBytes(length).toString('hex').slice(0, length)), 80],
    ['base64', (length) => Buffer.from(randomBytes(length).toString('base64').slice(0, length)), 300],
    ['zeros', (length) => Buffer.alloc(length), 48],
    ['a short pattern', (length) => Buffer.alloc(length, Buffer.from([1, 2, 3, 4])), 48],
  ];
  test.each(structured)('%s', (_name, make, length) => {
    for (let i = 0; i < 200; i++) expect(looksRandom(make(length))).toBe(false);
  });

  test('little structure in each of many packets', () => {
    const bodies = Array.from({ length: 200 }, () => Buffer.concat([Buffer.from('IP'), randomBytes(46)]));
    expect(bodies.every((body) => looksRandom(body))).toBe(true);
    expect(pooled(bodies)).toBe(false);
  });

  test('one key stream used again and again', () => {
    const stream = randomBytes(1000);
    const bodies = Array.from({ length: 10 }, () => {
      const text = Buffer.from(randomBytes(500).toString('hex'));
      return Buffer.from(text.map((byte, i) => byte ^ (stream[i] ?? 0)));
    });
    expect(bodies.every((body) => looksRandom(body))).toBe(true);
    expect(reused(bodies)).toBe(true);
    expect(reused(Array.from({ length: 10_000 }, () => randomBytes(500)))).toBe(false);
  });

  test('short texts: 32 printable characters, 16 digits and lowercase letters, 44 bytes of ASCII', () => {
    expect(looksRandom(Buffer.from('GET /api HTTP/1.1\r\nHost: example'))).toBe(false);
    expect(looksRandom(Buffer.from(randomBytes(8).toString('hex')))).toBe(false);
    expect(looksRandom(Buffer.from(randomBytes(44).map((byte) => byte & 0x7f)))).toBe(false);
    expect(looksRandom(Buffer.from('GET /api'))).toBe(true);
  });
});

function reused(bodies: readonly Buffer[]): boolean {
  const reuse = new KeyStreamReuse();
  for (const body of bodies) reuse.add(body);
  return reuse.shows;
}
