import { open } from 'node:fs/promises';
import { CaptureError, type CaptureFormat } from './capture-format.ts';
import type { Frame } from './packet.ts';
import { pcapFormat } from './pcap.ts';
import { pcapngFormat } from './pcapng.ts';

const MAGIC_LENGTH = 4;

const CHUNK_LENGTH = 1024 * 1024;

/** Reads the frames of a pcap or pcapng file, in batches of about a megabyte: `for await (const frames of readCaptureFile(path))`. */
export function readCaptureFile(path: string, openFile: OpenFile = open): CaptureFile {
  return new CaptureFile(path, openFile);
}

type OpenFile = (path: string) => Promise<Bytes>;

/** The file that the bytes of a capture are read from. */
interface Bytes {
  read(buffer: Buffer, offset: number, length: number, position: null): Promise<{ bytesRead: number; buffer: Buffer }>;
  close(): Promise<void>;
}

/** Throws CaptureError while it is read, and what node:fs throws. */
class CaptureFile implements AsyncIterable<Frame[]> {
  /** Known after the last batch: true if the file ends inside a record, as it does if the capturing program was killed. */
  truncated = false;
  readonly #path: string;
  readonly #openFile: OpenFile;

  constructor(path: string, openFile: OpenFile) {
    this.#path = path;
    this.#openFile = openFile;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame[]> {
    const file = await this.#openFile(this.#path);
    const reader = new CaptureReader();
    // The next chunk is read while the frames of this one are looked at.
    let next = readChunk(file);
    try {
      for (let chunk = await next; chunk.length > 0; chunk = await next) {
        next = readChunk(file);
        const frames = reader.push(chunk);
        if (frames.length > 0) yield frames;
      }
      this.truncated = reader.end().truncated;
    } finally {
      await Promise.allSettled([next]);
      await file.close();
    }
  }
}

/** Reads into a fresh buffer each time, because frames are views of it and may be kept. */
async function readChunk(file: Bytes): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(CHUNK_LENGTH), 0, CHUNK_LENGTH, null);
  return buffer.subarray(0, bytesRead);
}

/**
 * Reads pcap and pcapng that come in pieces of any size. Frames are views of the pushed chunks where possible, so a chunk must
 * not be written to afterwards. No more than one record is held between two pushes.
 */
export class CaptureReader {
  #format: CaptureFormat | undefined;
  /** The beginning of a record that goes on in the next chunk. */
  #held = new Uint8Array(0);
  #heldLength = 0;
  /** How far in the file the whole records reach. */
  #position = 0;
  #frames = 0;
  #failure: CaptureError | undefined;

  /** Returns the frames that this chunk completes. Throws CaptureError: at once, or on the next call if frames would be lost. */
  push(chunk: Uint8Array): Frame[] {
    if (this.#failure) throw this.#failure;
    const frames: Frame[] = [];
    try {
      const rest = this.#completeHeld(chunk, frames);
      this.#readWhole(chunk, rest, frames);
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      this.#failure = error;
      if (frames.length === 0) throw error;
    }
    return frames;
  }

  /** Ends the file, after the last chunk. Throws CaptureError if the file was empty, no capture, or broken. */
  end(): { truncated: boolean } {
    if (this.#failure) throw this.#failure;
    if (this.#position === 0) {
      const empty = this.#heldLength === 0;
      throw new CaptureError(
        empty ? 'The capture file is empty' : 'The capture file ends within its header',
        this.#heldLength,
      );
    }
    return { truncated: this.#heldLength > 0 };
  }

  /** Completes the held record, and reads it once it is whole. Returns where in the chunk the next record begins. */
  #completeHeld(chunk: Uint8Array, frames: Frame[]): number {
    let offset = 0;
    while (this.#heldLength > 0) {
      const length = this.#lengthOfRecord(this.#held, 0, this.#heldLength);
      const wanted = length ?? this.#headLength();
      const taken = Math.min(wanted - this.#heldLength, chunk.length - offset);
      this.#hold(chunk, offset, offset + taken, wanted);
      offset += taken;
      if (this.#heldLength < wanted) break;
      if (length !== undefined) {
        // The frame is a view of the held bytes, so they are not used again.
        const record = this.#held;
        this.#held = new Uint8Array(0);
        this.#heldLength = 0;
        this.#readRecord(record, 0, length, frames);
      }
    }
    return offset;
  }

  #readWhole(chunk: Uint8Array, from: number, frames: Frame[]): void {
    let offset = from;
    let length = this.#lengthOfRecord(chunk, offset, chunk.length);
    while (length !== undefined && offset + length <= chunk.length) {
      this.#readRecord(chunk, offset, length, frames);
      offset += length;
      length = this.#lengthOfRecord(chunk, offset, chunk.length);
    }
    if (offset < chunk.length) this.#hold(chunk, offset, chunk.length, length ?? this.#headLength());
  }

  #headLength(): number {
    return this.#format?.headLength ?? MAGIC_LENGTH;
  }

  /** Returns undefined if too little of the record has arrived. */
  #lengthOfRecord(bytes: Uint8Array, offset: number, end: number): number | undefined {
    if (!this.#format && end - offset >= MAGIC_LENGTH) this.#format = formatOf(bytes, offset);
    if (!this.#format || end - offset < this.#format.headLength) return undefined;
    return this.#format.recordLength(bytes, offset, this.#position);
  }

  #readRecord(bytes: Uint8Array, offset: number, length: number, frames: Frame[]): void {
    const frame = this.#format?.readRecord(bytes, offset, length, this.#position, this.#frames);
    this.#position += length;
    if (!frame) return;
    this.#frames += 1;
    frames.push(frame);
  }

  #hold(chunk: Uint8Array, start: number, end: number, capacity: number): void {
    if (this.#held.length < capacity) {
      const larger = new Uint8Array(capacity);
      larger.set(this.#held.subarray(0, this.#heldLength));
      this.#held = larger;
    }
    this.#held.set(chunk.subarray(start, end), this.#heldLength);
    this.#heldLength += end - start;
  }
}

function formatOf(bytes: Uint8Array, offset: number): CaptureFormat {
  const format = pcapFormat(bytes, offset) ?? pcapngFormat(bytes, offset);
  if (!format) throw new CaptureError('This is neither pcap nor pcapng', 0);
  return format;
}
