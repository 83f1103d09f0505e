import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { LineReader } from '../../src/proof/live/line-reader.ts';

it('hands a line to whoever waits for the longest beginning of it, in whatever pieces it comes', async () => {
  const stream = new PassThrough();
  const lines = new LineReader(stream);
  const first = lines.line('heard 1');
  const either = lines.line('saw 2', 'missed 2');
  for (const byte of 'noise\nheard 12 x\nmissed 2\nheard 1 20 30\n') stream.write(byte);
  expect(await either).toEqual(['missed', '2']);
  expect(await first).toEqual(['heard', '1', '20', '30']);
});

it('hands out what follows the last line as it is, whatever bytes it is', async () => {
  const stream = new PassThrough();
  const lines = new LineReader(stream);
  const size = lines.line('size');
  const bytes = Buffer.from('\n\0size 9\nended 0\n\xff', 'latin1');
  stream.write(Buffer.concat([Buffer.from('size 18\n'), bytes.subarray(0, 5)]));
  expect(await size).toEqual(['size', '18']);
  stream.end(bytes.subarray(5));
  expect(await buffer(lines.rest())).toEqual(bytes);
});

it('tells those who wait that the stream is over', async () => {
  const stream = new PassThrough();
  const lines = new LineReader(stream);
  const waiting = lines.line('ended');
  stream.end('ende');
  expect(await waiting).toBeUndefined();
  expect(await lines.line('ended')).toBeUndefined();
});
