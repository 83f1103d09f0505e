import { u8, u24 } from '../net/bytes.ts';

/** A place where a string was found. */
export interface Hit<Id> {
  readonly id: Id;
  readonly offset: number;
  readonly length: number;
}

/** The scan looks at three bytes at a time: pairs are too common in text, four are no faster. */
const BLOCK = 3;

/**
 * Finds any of many byte strings in one pass (Wu and Manber, 1994). It looks at the three bytes that would end the shortest
 * string here; mostly no string has them anywhere, and it goes on almost that string's length further. With strings of 16 bytes and more it is as
 * fast as the native search for a single one, and it does not matter whether they begin alike.
 */
export class MarkerScan<Id> {
  readonly markers: ReadonlyMap<Id, Uint8Array>;
  /** How long the longest string is. */
  readonly longest: number;
  readonly #shortest: number;
  /** How far to go on, by the hash of a block. */
  readonly #shifts: Uint8Array;
  readonly #shiftBits: number;
  /** By length, and then by the bytes as a string of one character each. */
  readonly #byLength = new Map<number, Map<string, Id[]>>();

  /** Throws RangeError where a string is shorter than three bytes or longer than 255, or where there is none. */
  constructor(markers: ReadonlyMap<Id, Uint8Array>) {
    let [shortest, longest] = [Number.POSITIVE_INFINITY, 0];
    for (const { length } of markers.values())
      [shortest, longest] = [Math.min(shortest, length), Math.max(longest, length)];
    this.markers = markers;
    this.#shortest = shortest;
    this.longest = longest;
    if (!(this.#shortest >= BLOCK && this.longest <= 255)) {
      throw new RangeError('Markers must be 3 to 255 bytes long, and there must be one');
    }
    // Eight times as many slots as blocks: then one step in nine meets a slot of another block.
    const blocks = markers.size * this.#shortest;
    const bits = Math.min(20, Math.max(13, Math.ceil(Math.log2(blocks * 8))));
    this.#shiftBits = 32 - bits;
    this.#shifts = new Uint8Array(1 << bits).fill(this.#shortest - BLOCK + 1);
    for (const [id, bytes] of markers) this.#add(id, bytes);
  }

  /** Adds to `hits` each place of each string that lies wholly between `from` and `to`, in the order of places. */
  scan(bytes: Uint8Array, from: number, to: number, hits: Hit<Id>[]): void {
    const shifts = this.#shifts;
    const bits = this.#shiftBits;
    const last = this.#shortest - BLOCK;
    const end = to - BLOCK;
    for (let at = from + last; at <= end; ) {
      const shift = shifts[Math.imul(u24(bytes, at), 0x9e3779b1) >>> bits] ?? 1;
      if (shift === 0) {
        this.#verify(bytes, at - last, to, hits);
        at += 1;
      } else at += shift;
    }
  }

  #add(id: Id, bytes: Uint8Array): void {
    const last = this.#shortest - BLOCK;
    for (let at = 0; at <= last; at++) {
      const slot = Math.imul(u24(bytes, at), 0x9e3779b1) >>> this.#shiftBits;
      this.#shifts[slot] = Math.min(u8(this.#shifts, slot), last - at);
    }
    const sameLength = this.#byLength.get(bytes.length) ?? new Map<string, Id[]>();
    this.#byLength.set(bytes.length, sameLength);
    const text = textOf(bytes, 0, bytes.length);
    sameLength.set(text, [...(sameLength.get(text) ?? []), id]);
  }

  #verify(bytes: Uint8Array, offset: number, to: number, hits: Hit<Id>[]): void {
    for (const [length, sameLength] of this.#byLength) {
      if (offset + length > to) continue;
      for (const id of sameLength.get(textOf(bytes, offset, length)) ?? []) hits.push({ id, offset, length });
    }
  }
}

function textOf(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('latin1');
}
