/** The most bytes of the capture's chunks that are kept for the segments seen last. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_SEGMENTS = 8192;

/** The most segments of one stream that are searched if bytes come again. */
const MAX_OF_ONE = 64;

/** The number before a stream's first segment. */
export const NO_SEGMENT = -1;

/**
 * Keeps the bytes of the segments that were seen last, over all streams, to compare repeated bytes with them. They stay where they
 * are, in the capture's chunks, which stay in memory as long.
 */
export class RecentSegments {
  readonly #buffer: (ArrayBufferLike | undefined)[] = new Array(MAX_SEGMENTS);
  /** Within the buffer. */
  readonly #from = new Float64Array(MAX_SEGMENTS);
  readonly #position = new Float64Array(MAX_SEGMENTS);
  readonly #length = new Float64Array(MAX_SEGMENTS);
  readonly #frame = new Float64Array(MAX_SEGMENTS);
  /** The number of the segment before it in the same stream. */
  readonly #before = new Float64Array(MAX_SEGMENTS);
  /** Numbers of the oldest segment that is kept, and of the next to come. */
  #oldest = 0;
  #next = 0;
  /** How much memory the chunks take: each is counted once for all segments in a row that are in it. */
  #held = 0;
  #newest: ArrayBufferLike | undefined;

  /** Adds a segment of a stream whose last one has the number `before`, and returns its own. */
  add(before: number, position: number, bytes: Uint8Array, from: number, to: number, frame: number): number {
    const { buffer } = bytes;
    if (buffer !== this.#newest) this.#held += buffer.byteLength;
    this.#newest = buffer;
    while (this.#next > this.#oldest && (this.#held > MAX_BYTES || this.#next - this.#oldest >= MAX_SEGMENTS)) {
      this.#forgetOldest();
    }
    const number = this.#next;
    const slot = number % MAX_SEGMENTS;
    this.#buffer[slot] = buffer;
    this.#from[slot] = bytes.byteOffset + from;
    this.#position[slot] = position;
    this.#length[slot] = to - from;
    this.#frame[slot] = frame;
    this.#before[slot] = before;
    this.#next += 1;
    return number;
  }

  /**
   * Compares bytes that came again at a position with those that came first. Returns the frame that had other bytes there; 'same' if
   * all of them are known to be the same; 'unknown' if some of the first bytes are no longer kept.
   */
  compare(last: number, position: number, bytes: Uint8Array, from: number, to: number): number | 'same' | 'unknown' {
    const end = position + to - from;
    for (let at = position; at < end; ) {
      const number = this.#covering(last, at);
      if (number === NO_SEGMENT) return 'unknown';
      const slot = number % MAX_SEGMENTS;
      const start = this.#position[slot] ?? 0;
      const until = Math.min(end, start + (this.#length[slot] ?? 0));
      const mine = bytes.subarray(from + at - position, from + until - position);
      const buffer = this.#buffer[slot] ?? mine.buffer;
      const theirs = new Uint8Array(buffer, (this.#from[slot] ?? 0) + at - start, until - at);
      if (Buffer.compare(mine, theirs) !== 0) return this.#frame[slot] ?? 0;
      at = until;
    }
    return 'same';
  }

  /** Returns the number of a stream's segment that has the byte at a position. */
  #covering(last: number, position: number): number {
    let number = last;
    for (let i = 0; i < MAX_OF_ONE && number >= this.#oldest; i++) {
      const slot = number % MAX_SEGMENTS;
      const start = this.#position[slot] ?? 0;
      if (start <= position && position < start + (this.#length[slot] ?? 0)) return number;
      number = this.#before[slot] ?? NO_SEGMENT;
    }
    return NO_SEGMENT;
  }

  #forgetOldest(): void {
    const slot = this.#oldest % MAX_SEGMENTS;
    const buffer = this.#buffer[slot];
    this.#buffer[slot] = undefined;
    this.#oldest += 1;
    const following = this.#oldest < this.#next ? this.#buffer[this.#oldest % MAX_SEGMENTS] : this.#newest;
    if (buffer && buffer !== following) this.#held -= buffer.byteLength;
  }
}
