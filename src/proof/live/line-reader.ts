import { PassThrough, type Readable } from 'node:stream';

/** Reads the lines of a stream for callers that wait for a beginning, and returns the bytes after the last line unchanged. */
export class LineReader {
  readonly #waiting = new Map<string, (words: string[] | undefined) => void>();
  readonly #rest = new PassThrough();
  /** The first word of the last line; after it come bytes only. */
  readonly #last: string;
  #buffer: Buffer = Buffer.alloc(0);
  #raw = false;
  #over = false;

  constructor(stream: Readable, last = 'size') {
    this.#last = last;
    stream.on('data', (chunk: Buffer) => this.#take(chunk, stream));
    this.#rest.on('drain', () => stream.resume());
    const over = () => {
      this.#over = true;
      this.#rest.end();
      for (const settle of this.#waiting.values()) settle(undefined);
      this.#waiting.clear();
    };
    stream.once('end', over);
    stream.once('close', over);
    stream.once('error', over);
  }

  /** Resolves with the words of the next line that begins with one of these; undefined if the stream ends before. */
  line(...beginnings: string[]): Promise<string[] | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      for (const beginning of beginnings) this.#waiting.set(beginning, resolve);
    });
  }

  /** Returns the bytes after the last line. */
  rest(): Readable {
    return this.#rest;
  }

  #take(chunk: Buffer, stream: Readable): void {
    if (this.#raw) {
      if (!this.#rest.write(chunk)) stream.pause();
      return;
    }
    this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, chunk]) : chunk;
    for (let end = this.#buffer.indexOf(0x0a); end >= 0; end = this.#buffer.indexOf(0x0a)) {
      const words = this.#buffer.subarray(0, end).toString().split(' ');
      this.#buffer = this.#buffer.subarray(end + 1);
      this.#hand(words);
      if (words[0] === this.#last) {
        this.#raw = true;
        this.#rest.write(this.#buffer);
        return;
      }
    }
  }

  #hand(words: string[]): void {
    for (let length = Math.min(3, words.length); length > 0; length -= 1) {
      const beginning = words.slice(0, length).join(' ');
      const settle = this.#waiting.get(beginning);
      if (!settle) continue;
      for (const [key, other] of this.#waiting) if (other === settle) this.#waiting.delete(key);
      settle(words);
      return;
    }
  }
}
