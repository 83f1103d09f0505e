import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { openRegular, tooLong } from './regular-file.ts';

/** Bytes that are read one part after the other: a file, a pipe, or standard input. */
export interface ByteSource {
  /** Reads what there is next into the buffer; 0 bytes at the end. */
  read(buffer: Buffer, offset: number, length: number, position: null): Promise<{ bytesRead: number; buffer: Buffer }>;
  close(): Promise<void>;
}

/**
 * Opens what a person named for reading: a file, a FIFO such as that of `<(command)`, or `-` for standard input. Opening never waits,
 * and a pipe that nobody writes to is left when `signal` aborts. Throws a usage Failure for a folder, a device or a socket.
 */
export async function openBytes(path: string, signal?: AbortSignal): Promise<ByteSource> {
  if (path === '-') return new StreamBytes(process.stdin, signal);
  const pipe = openPipe(path);
  return pipe === undefined ? openRegular(path, { followLinks: true }) : new StreamBytes(pipe, signal);
}

/** Reads all of it, as text in UTF-8. Throws as `openBytes` does, and a usage Failure if there are more than `most` bytes. */
export async function readText(path: string, most: number, signal?: AbortSignal): Promise<string> {
  const source = await openBytes(path, signal);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for (;;) {
      const { bytesRead, buffer } = await source.read(Buffer.allocUnsafe(PART), 0, PART, null);
      if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
      if (length > most) throw tooLong(path, most);
    }
  } finally {
    await source.close();
  }
}

const PART = 64 * 1024;

/** Opens a FIFO without waiting for a writer; undefined if it is none. */
function openPipe(path: string): Readable | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined; // `openRegular` says what is wrong
  }
  if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
  closeSync(fd);
  return undefined;
}

class StreamBytes implements ByteSource {
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest = Buffer.alloc(0);

  constructor(stream: Readable, signal: AbortSignal | undefined) {
    this.#stream = stream;
    if (signal) addAbortSignal(signal, stream);
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ bytesRead: number; buffer: Buffer }> {
    if (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done) return { bytesRead: 0, buffer };
      this.#rest = Buffer.from(value);
    }
    const bytesRead = this.#rest.copy(buffer, offset, 0, length);
    this.#rest = this.#rest.subarray(bytesRead);
    return { bytesRead, buffer };
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }
}
