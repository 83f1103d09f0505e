import { constants, createDeflate, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, frameReader, frameWriter } from '../../../../src/kube-api/streams/spdy/frames.ts';
import { DICTIONARY, headerReader, headerWriter, SpdyError } from '../../../../src/kube-api/streams/spdy/headers.ts';

const streamId = fc.integer({ min: 1, max: 0x7fffffff });
const word = fc.integer({ min: 0, max: 0xffffffff });
const headers = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z-]{1,20}$/), fc.string({ unit: 'binary-ascii', maxLength: 40 })), {
    maxLength: 4,
  })
  .map((entries) => new Map(entries));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const withHeaders = fc.record({
  type: fc.constantFrom('syn-stream', 'syn-reply', 'headers'),
  streamId,
  headers,
  fin: fc.boolean(),
});
const setting = fc.record({
  flags: fc.integer({ min: 0, max: 255 }),
  id: fc.integer({ min: 0, max: 0xffffff }),
  value: word,
});
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('data' as const), streamId, data: bytes, fin: fc.boolean() }),
  withHeaders as fc.Arbitrary<Frame>,
  fc.record({ type: fc.constant('rst-stream' as const), streamId, status: word }),
  fc.record({ type: fc.constant('settings' as const), settings: fc.array(setting, { maxLength: 5 }) }),
  fc.record({ type: fc.constant('ping' as const), id: word }),
  fc.record({ type: fc.constant('goaway' as const), lastStreamId: streamId, status: word }),
  fc.record({ type: fc.constant('window-update' as const), streamId, delta: streamId }),
);

test('frames come back from the wire, wherever it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
      (sent, cuts) => {
        const write = frameWriter();
        const wire = Buffer.concat(sent.flatMap((one) => write(one)));
        expect(joined(read(wire, cuts))).toEqual(joined(sent));
      },
    ),
  );
});

test('whatever comes, it is frames or a SpdyError', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)),
    // Right up to one byte.
    fc
      .tuple(fc.array(frame, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat({ max: 255 }))
      .map(([frames, at, value]) => {
        const write = frameWriter();
        const wire = Buffer.concat(frames.flatMap((one) => write(one)));
        wire[at % wire.length] = value;
        return wire;
      }),
  );
  fc.assert(
    fc.property(hostile, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (wire, cuts) => {
      try {
        read(wire, cuts);
      } catch (error) {
        expect(error).toBeInstanceOf(SpdyError);
      }
    }),
    { numRuns: 500 },
  );
});

test('a frame of data is handed on before it is whole, and a large control frame is not waited for', () => {
  const readFrames = frameReader();
  const start = Buffer.from([0, 0, 0, 5, 1, 0xff, 0xff, 0xff, 7, 8]);
  expect([...readFrames(start)]).toEqual([{ type: 'data', streamId: 5, data: Buffer.from([7, 8]), fin: false }]);
  expect(() => [...frameReader()(Buffer.from([0x80, 3, 0, 4, 0, 1, 0, 0]))]).toThrow(SpdyError);
});

test('the dictionary is that of SPDY/3', () => {
  // The Adler-32 that every SPDY/3 header stream names: draft-mbelshe-httpbis-spdy-00 §2.6.10.1, as Go's client sends it.
  const stream = headerWriter()(new Map());
  expect(stream.subarray(2, 6).toString('hex')).toBe('e3c6a7c2');
  expect(DICTIONARY.length).toBe(1423);
});

test("the first headers that kubectl sends, packed by Go's zlib", () => {
  const readHeaders = headerReader();
  const error = Buffer.from('78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff', 'hex');
  expect([...readHeaders(error)]).toEqual([['streamtype', 'error']]);
  expect([...readHeaders(Buffer.from('c22ac5565c92925f5a02000000ffff', 'hex'))]).toEqual([['streamtype', 'stdout']]);
});

test('header blocks of one zlib stream that refer to each other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(headers, { minLength: 1, maxLength: 6 }), async (blocks) => {
      const packed = await deflated(blocks);
      const readHeaders = headerReader();
      expect(packed.map((block) => readHeaders(block))).toEqual(blocks);
    }),
    { numRuns: 50 },
  );
});

test('what is written is one zlib stream to others too', () => {
  const write = headerWriter();
  const packed = Buffer.concat([write(new Map([['a', 'b']])), write(new Map())]);
  const plain = inflateSync(packed, { dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  expect(plain.toString('hex')).toBe('00000001000000016100000001620000' + '0000');
});

test('headers that unpack without end', async () => {
  const bomb = await deflated([new Map([['a', 'x'.repeat(10_000_000)]])]);
  expect(() => headerReader()(bomb[0] ?? Buffer.alloc(0))).toThrow(SpdyError);
});

function read(wire: Buffer, cuts: readonly number[]): Frame[] {
  const readFrames = frameReader();
  const frames: Frame[] = [];
  for (let offset = 0, index = 0; offset < wire.length; index += 1) {
    const cut = cuts[index % cuts.length] ?? 1;
    frames.push(...readFrames(wire.subarray(offset, offset + cut)));
    offset += cut;
  }
  return frames;
}

/** Frames of data joined as far as one frame on the wire may be cut into several. */
function joined(frames: readonly Frame[]): Frame[] {
  const result: Frame[] = [];
  for (const one of frames) {
    const last = result.at(-1);
    if (one.type === 'data' && last?.type === 'data' && last.streamId === one.streamId && !last.fin) {
      result[result.length - 1] = { ...one, data: Buffer.concat([last.data, one.data]) };
    } else {
      result.push(one);
    }
  }
  return result;
}

/** Header blocks as a client packs them: one stream, flushed after each. */
async function deflated(blocks: readonly ReadonlyMap<string, string>[]): Promise<Buffer[]> {
  const deflate = createDeflate({ dictionary: DICTIONARY, level: 9 });
  const packed: Buffer[] = [];
  for (const block of blocks) {
    const plain = [...block].flatMap(([name, value]) => [sized(name), sized(value)]);
    deflate.write(Buffer.concat([number(block.size), ...plain]));
    await new Promise<void>((flushed) => deflate.flush(constants.Z_SYNC_FLUSH, flushed));
    packed.push(deflate.read() as Buffer);
  }
  deflate.destroy();
  return packed;
}

function sized(text: string): Buffer {
  return Buffer.concat([number(text.length), Buffer.from(text, 'latin1')]);
}

function number(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}
