/** The frame that carried the bytes of a stream, or of a datagram, from `start` up to `end`. */
export interface Origin {
  readonly start: number;
  readonly end: number;
  readonly frame: number;
}

/** `position` is that of the first byte. There may be more origins than those of the bytes. All are valid during the call only. */
export type OnCut = (bytes: Uint8Array, length: number, position: number, origins: readonly Origin[]) => void;

/** The most frames that are kept for one end of a run: the same bytes may come again and again. */
const MAX_ORIGINS = 128;

/**
 * A piece of a stream that was seen without a gap, of which only the first and last `reach` bytes are kept, that is, what a
 * string of up to `reach + 1` bytes can share with a neighbour. There are many of these, so they are kept small.
 */
export class Run {
  readonly start: number;
  end: number;
  /** The last frame that added to it. */
  touched: number;
  readonly #reach: number;
  /** Room for the first bytes, then for the last. */
  readonly #bytes: Uint8Array;
  #headLength: number;
  #tailLength: number;
  #headOrigins: Origin[];
  #tailOrigins: Origin[];

  constructor(position: number, bytes: Uint8Array, from: number, to: number, frame: number, reach: number) {
    const length = to - from;
    const kept = Math.min(length, reach);
    const origin = { start: position, end: position + length, frame };
    this.start = position;
    this.end = origin.end;
    this.touched = frame;
    this.#reach = reach;
    this.#bytes = new Uint8Array(2 * reach);
    this.#headLength = kept;
    this.#tailLength = kept;
    this.#headOrigins = [origin];
    this.#tailOrigins = [origin];
    copy(bytes, from, from + kept, this.#bytes, 0);
    copy(bytes, to - kept, to, this.#bytes, reach);
  }

  /** Adds what follows directly. The bytes on both sides of the cut are written to `joint`, which has room for twice the reach. */
  append(bytes: Uint8Array, from: number, to: number, frame: number, joint: Uint8Array, onCut: OnCut): void {
    const added = to - from;
    const origin = { start: this.end, end: this.end + added, frame };
    const length = this.#writeTail(joint) + Math.min(added, this.#reach);
    copy(bytes, from, from + length - this.#tailLength, joint, this.#tailLength);
    this.#tailOrigins.push(origin);
    onCut(joint, length, this.end - this.#tailLength, this.#tailOrigins);
    if (this.#headLength < this.#reach) this.#lengthenHead(joint, length, [origin]);
    this.end = origin.end;
    this.touched = frame;
    if (added >= this.#reach) {
      this.#tailOrigins[0] = origin;
      this.#tailOrigins.length = 1;
      this.#setTail(bytes, to);
    } else {
      this.#setTail(joint, length);
      this.#forgetOrigins();
    }
  }

  /** Adds a run that follows directly; the other one is used up. */
  join(next: Run, joint: Uint8Array, onCut: OnCut): void {
    const length = this.#writeTail(joint) + next.#headLength;
    copy(next.#bytes, 0, next.#headLength, joint, this.#tailLength);
    onCut(joint, length, this.end - this.#tailLength, [...this.#tailOrigins, ...next.#headOrigins]);
    if (this.#headLength < this.#reach) this.#lengthenHead(joint, length, next.#headOrigins);
    this.#tailOrigins.push(...next.#tailOrigins);
    this.end = next.end;
    this.touched = Math.max(this.touched, next.touched);
    // A short run is its own head, and so it is the end of the joint.
    if (next.#tailLength < this.#reach) this.#setTail(joint, length);
    else this.#setTail(next.#bytes, next.#bytes.length);
    this.#forgetOrigins();
  }

  /** Notes a frame that carried bytes of this run again. Parts where it carried other bytes do not count. */
  repeat(position: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    const repeated = (edge: number, edgeStart: number, length: number, origins: Origin[]) => {
      const start = Math.max(edgeStart, position);
      const end = Math.min(edgeStart + length, position + to - from);
      if (start >= end || origins.length >= MAX_ORIGINS) return;
      const [mine, theirs] = [edge + start - edgeStart, from + start - position];
      for (let i = 0; i < end - start; i++) if (this.#bytes[mine + i] !== bytes[theirs + i]) return;
      origins.push({ start, end, frame });
    };
    repeated(0, this.start, this.#headLength, this.#headOrigins);
    repeated(this.#reach, this.end - this.#tailLength, this.#tailLength, this.#tailOrigins);
  }

  #writeTail(joint: Uint8Array): number {
    copy(this.#bytes, this.#reach, this.#reach + this.#tailLength, joint, 0);
    return this.#tailLength;
  }

  /** Lengthens the head. While a run is shorter than the reach, its tail is all of it, and the joint begins with it. */
  #lengthenHead(joint: Uint8Array, length: number, origins: readonly Origin[]): void {
    this.#headLength = Math.min(length, this.#reach);
    copy(joint, 0, this.#headLength, this.#bytes, 0);
    this.#headOrigins.push(...origins);
  }

  /** Sets the tail to the bytes that end at `end`. */
  #setTail(bytes: Uint8Array, end: number): void {
    this.#tailLength = Math.min(end, this.#reach);
    copy(bytes, end - this.#tailLength, end, this.#bytes, this.#reach);
  }

  #forgetOrigins(): void {
    const start = this.end - this.#tailLength;
    this.#tailOrigins = this.#tailOrigins.filter((origin) => origin.end > start).slice(-MAX_ORIGINS);
  }
}

/** Copies bytes; for a few dozen this is faster than a native call. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  for (let i = start, j = at; i < end; i++, j++) to[j] = from[i] ?? 0;
}
