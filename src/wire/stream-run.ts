/** The frame that carried the bytes of a stream, or of a datagram, from `start` up to `end`. */
export interface Origin {
  readonly start: number;
  readonly end: number;
  readonly frame: number;
}

/** The same bytes may come again and again: of frames that carried them, no more are kept for one edge. */
const MAX_ORIGINS = 128;

/** Bytes at one end of a run, and who carried them. */
class Edge {
  readonly bytes: Uint8Array;
  length = 0;
  origins: Origin[] = [];

  constructor(reach: number) {
    this.bytes = new Uint8Array(reach);
  }

  /** Adds a frame that carried the same bytes again; where it carried others, it does not count. */
  addRepeat(
    edgeStart: number,
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    frame: number,
  ): void {
    const start = Math.max(edgeStart, position);
    const end = Math.min(edgeStart + this.length, position + length);
    if (start >= end || this.origins.length >= MAX_ORIGINS) return;
    const [mine, theirs] = [start - edgeStart, offset + start - position];
    for (let i = 0; i < end - start; i++) if (this.bytes[mine + i] !== bytes[theirs + i]) return;
    this.origins.push({ start, end, frame });
  }
}

/**
 * A piece of a stream that was seen without a gap, of which only the first and last `reach` bytes are kept, that is, what a
 * string of up to `reach + 1` bytes can share with a neighbour.
 */
export class Run {
  start: number;
  end: number;
  /** The last frame that had to do with it. */
  touched = 0;
  readonly #head: Edge;
  readonly #tail: Edge;

  constructor(position: number, reach: number) {
    this.start = position;
    this.end = position;
    this.#head = new Edge(reach);
    this.#tail = new Edge(reach);
  }

  /**
   * Adds what follows directly. Writes the bytes on both sides of the cut to `joint`, which has room for twice the reach, and
   * gives them to `onCut` with their position and origins. The origins may be more than those of the bytes.
   */
  append(bytes: Uint8Array, from: number, to: number, frame: number, joint: Uint8Array, onCut: OnCut): void {
    const head = this.#head;
    const tail = this.#tail;
    const reach = tail.bytes.length;
    const added = to - from;
    const before = tail.length;
    const after = Math.min(added, reach);
    const origin = { start: this.end, end: this.end + added, frame };
    copy(tail.bytes, 0, before, joint, 0);
    copy(bytes, from, from + after, joint, before);
    tail.origins.push(origin);
    if (before > 0) onCut(joint, before + after, this.end - before, tail.origins);
    if (head.length < reach) {
      const taken = Math.min(reach - head.length, added);
      copy(bytes, from, from + taken, head.bytes, head.length);
      head.length += taken;
      head.origins.push(origin);
    }
    this.end += added;
    if (added >= reach) {
      copy(bytes, to - reach, to, tail.bytes, 0);
      tail.length = reach;
      tail.origins = [origin];
    } else this.#shiftTail(joint, before + after);
    this.touched = frame;
  }

  /** Adds a run that follows directly; the other one is used up. */
  join(next: Run, joint: Uint8Array, onCut: OnCut): void {
    const reach = joint.length / 2;
    const head = this.#head;
    const tail = this.#tail;
    const length = tail.length + next.#head.length;
    copy(tail.bytes, 0, tail.length, joint, 0);
    copy(next.#head.bytes, 0, next.#head.length, joint, tail.length);
    onCut(joint, length, this.end - tail.length, [...tail.origins, ...next.#head.origins]);
    if (head.length < reach) {
      const taken = Math.min(reach - head.length, next.#head.length);
      copy(next.#head.bytes, 0, taken, head.bytes, head.length);
      head.length += taken;
      head.origins.push(...next.#head.origins);
    }
    tail.origins.push(...next.#tail.origins);
    this.end = next.end;
    // The tail of a short run is all of it, and so is its head, which ends the joint.
    if (next.#tail.length < reach) this.#shiftTail(joint, length);
    else {
      copy(next.#tail.bytes, 0, reach, tail.bytes, 0);
      tail.length = reach;
      this.#forgetOrigins();
    }
    this.touched = Math.max(this.touched, next.touched);
  }

  /** Notes that bytes within this run came again. */
  repeat(position: number, bytes: Uint8Array, offset: number, length: number, frame: number): void {
    this.#head.addRepeat(this.start, position, bytes, offset, length, frame);
    this.#tail.addRepeat(this.end - this.#tail.length, position, bytes, offset, length, frame);
  }

  #shiftTail(joint: Uint8Array, length: number): void {
    const tail = this.#tail;
    tail.length = Math.min(length, tail.bytes.length);
    copy(joint, length - tail.length, length, tail.bytes, 0);
    this.#forgetOrigins();
  }

  #forgetOrigins(): void {
    const start = this.end - this.#tail.length;
    this.#tail.origins = this.#tail.origins.filter((origin) => origin.end > start).slice(-MAX_ORIGINS);
  }
}

/** `position` is that of the first byte. All of it is valid during the call only. */
export type OnCut = (bytes: Uint8Array, length: number, position: number, origins: readonly Origin[]) => void;

/** For a few dozen bytes, faster than a native call. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  for (let i = start, j = at; i < end; i++, j++) to[j] = from[i] ?? 0;
}
