import { type Headers, headerReader, headerWriter, SpdyError } from './headers.ts';

/** A frame of SPDY/3.1. Data may come in several frames for one on the wire; only the last of them has `fin`. */
export type Frame =
  | { type: 'data'; streamId: number; data: Buffer; fin: boolean }
  | { type: 'syn-stream'; streamId: number; headers: Headers; fin: boolean }
  | { type: 'syn-reply'; streamId: number; headers: Headers; fin: boolean }
  | { type: 'rst-stream'; streamId: number; status: number }
  | { type: 'settings'; settings: readonly { flags: number; id: number; value: number }[] }
  | { type: 'ping'; id: number }
  | { type: 'goaway'; lastStreamId: number; status: number }
  | { type: 'headers'; streamId: number; headers: Headers; fin: boolean }
  | { type: 'window-update'; streamId: number; delta: number };

/** Statuses of RST_STREAM and GOAWAY that are used here. */
export const ResetStatus = { protocolError: 1, refusedStream: 3 } as const;
export const GoAwayStatus = { ok: 0, protocolError: 1 } as const;

const Kind = {
  'syn-stream': 1,
  'syn-reply': 2,
  'rst-stream': 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  headers: 8,
  'window-update': 9,
} as const;
const FIN = 1;
const FRAME_HEADER = 8;
/** The most that one frame of data holds: its length has 24 bits. */
const LARGEST_DATA = 0xffffff;
/** The most that any other frame may have; kubectl's have less than 100 bytes. */
const LARGEST_CONTROL = 16 * 1024;

/** Returns the function that turns the bytes of a connection, cut anywhere, into frames. It throws SpdyError, after the frames before. */
export function frameReader(): (chunk: Buffer) => Generator<Frame> {
  const unpack = headerReader();
  let input: Buffer = Buffer.alloc(0);
  /** The frame of data that is on its way, with the bytes that are still to come. */
  let data = { streamId: 0, fin: false, left: 0 };

  return function* read(chunk) {
    input = input.length > 0 ? Buffer.concat([input, chunk]) : chunk;
    for (;;) {
      if (data.left > 0) {
        if (input.length === 0) return;
        const piece = input.subarray(0, data.left);
        input = input.subarray(piece.length);
        data.left -= piece.length;
        yield { type: 'data', streamId: data.streamId, data: piece, fin: data.fin && data.left === 0 };
        continue;
      }
      if (input.length < FRAME_HEADER) return;
      const length = input.readUIntBE(5, 3);
      const flags = input.readUInt8(4);
      if (input.readUInt8(0) >= 0x80) {
        if (length > LARGEST_CONTROL) throw new SpdyError(`a control frame of ${length} bytes`);
        if (input.length < FRAME_HEADER + length) return;
        const [version, kind] = [input.readUInt16BE(0) & 0x7fff, input.readUInt16BE(2)];
        if (version !== 3) throw new SpdyError(`version ${version} of SPDY`);
        const content = input.subarray(FRAME_HEADER, FRAME_HEADER + length);
        input = input.subarray(FRAME_HEADER + length);
        yield parseControl(kind, flags, content, unpack);
      } else {
        const streamId = input.readUInt32BE(0);
        if (streamId === 0) throw new SpdyError('data for stream 0');
        input = input.subarray(FRAME_HEADER);
        data = { streamId, fin: (flags & FIN) !== 0, left: length };
        if (length === 0) yield { type: 'data', streamId, data: Buffer.alloc(0), fin: data.fin };
      }
    }
  };
}

/** Returns the function that turns frames into bytes for a connection; a list, so that data need not be copied. */
export function frameWriter(): (frame: Frame) => Buffer[] {
  const pack = headerWriter();
  return (frame) => {
    switch (frame.type) {
      case 'data': {
        if (frame.data.length > LARGEST_DATA) throw new SpdyError('data too long for a frame');
        return [frameHeader(frame.streamId, frame.fin, frame.data.length), frame.data];
      }
      case 'syn-stream':
        // No associated stream, priority 0, slot 0.
        return control(frame.type, [words(frame.streamId, 0), Buffer.alloc(2), pack(frame.headers)], frame.fin);
      case 'syn-reply':
      case 'headers':
        return control(frame.type, [words(frame.streamId), pack(frame.headers)], frame.fin);
      case 'rst-stream':
        return control(frame.type, [words(frame.streamId, frame.status)]);
      case 'settings': {
        const entries = frame.settings.map(({ flags, id, value }) => words(((flags << 24) | id) >>> 0, value));
        return control(frame.type, [words(frame.settings.length), ...entries]);
      }
      case 'ping':
        return control(frame.type, [words(frame.id)]);
      case 'goaway':
        return control(frame.type, [words(frame.lastStreamId, frame.status)]);
      case 'window-update':
        return control(frame.type, [words(frame.streamId, frame.delta)]);
    }
  };
}

function parseControl(kind: number, flags: number, content: Buffer, unpack: (block: Uint8Array) => Headers): Frame {
  const fin = (flags & FIN) !== 0;
  const word = (index: number) => {
    if (content.length < index * 4 + 4) throw new SpdyError(`a control frame of type ${kind} that is cut short`);
    return content.readUInt32BE(index * 4);
  };
  const streamId = () => {
    const id = word(0) & 0x7fffffff;
    if (id === 0) throw new SpdyError(`a control frame of type ${kind} for stream 0`);
    return id;
  };
  switch (kind) {
    case Kind['syn-stream']:
      if (content.length < 10) throw new SpdyError('a SYN_STREAM that is cut short');
      return { type: 'syn-stream', streamId: streamId(), headers: unpack(content.subarray(10)), fin };
    case Kind['syn-reply']:
      return { type: 'syn-reply', streamId: streamId(), headers: unpack(content.subarray(4)), fin };
    case Kind.headers:
      return { type: 'headers', streamId: streamId(), headers: unpack(content.subarray(4)), fin };
    case Kind['rst-stream']:
      return { type: 'rst-stream', streamId: streamId(), status: word(1) };
    case Kind.settings: {
      const count = word(0);
      if (content.length !== 4 + count * 8) throw new SpdyError('a SETTINGS frame of a wrong length');
      const settings = Array.from({ length: count }, (_, index) => {
        const head = word(1 + index * 2);
        return { flags: head >>> 24, id: head & 0xffffff, value: word(2 + index * 2) };
      });
      return { type: 'settings', settings };
    }
    case Kind.ping:
      return { type: 'ping', id: word(0) };
    case Kind.goaway:
      return { type: 'goaway', lastStreamId: word(0) & 0x7fffffff, status: word(1) };
    case Kind['window-update']:
      return { type: 'window-update', streamId: word(0) & 0x7fffffff, delta: word(1) & 0x7fffffff };
    default:
      throw new SpdyError(`a control frame of the unknown type ${kind}`);
  }
}

function control(type: keyof typeof Kind, parts: readonly Buffer[], fin = false): Buffer[] {
  const content = Buffer.concat(parts);
  return [Buffer.concat([frameHeader((0x80030000 | Kind[type]) >>> 0, fin, content.length), content])];
}

function frameHeader(firstWord: number, fin: boolean, length: number): Buffer {
  const header = words(firstWord, length);
  header.writeUInt8(fin ? FIN : 0, 4);
  return header;
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
