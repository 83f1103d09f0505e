import { expect, test } from 'vitest';
import { hexLines, secretLines } from '../../src/proof/excerpt.ts';

const lines = (text: string) => secretLines(Buffer.from(text, 'latin1'), ['m4rk3r-of-this-run']);

test('lines with secrets are shown, others are not', () => {
  const http = [
    'GET /api HTTP/1.1',
    'Authorization: Bearer not-a-real-token',
    'X-API-Key: not-a-real-key',
    'Accept: */*',
    'hello m4rk3r-of-this-run',
    'db=postgres://app:not-a-real-one@db:5432/app',
  ];
  expect(lines(http.join('\r\n'))).toEqual([http[1], http[2], http[4], http[5]]);
});

test('nothing but printable characters gets to a terminal, and no line is long', () => {
  expect(lines('\x1b[31mpassword=hunter2\x1b[0m\x9b2J')).toEqual(['[31mpassword=hunter2']);
  const [long = ''] = lines(`${'x'.repeat(5000)} password=hunter2 ${'y'.repeat(5000)}`);
  expect(long).toHaveLength(160);
  expect(long).toContain('password=hunter2');
});

test('a line of two million characters without a secret does not block', () => {
  expect(lines('a'.repeat(2_000_000))).toEqual([]);
});

test('ciphertext is shown as xxd shows it', () => {
  expect(hexLines(Buffer.from('0400000041424344ff', 'hex'))).toEqual([
    `${'04 00 00 00 41 42 43 44 ff'.padEnd(47)}  ....ABCD.`,
  ]);
  expect(hexLines(Buffer.alloc(1000))).toHaveLength(4);
});
