import { u8 } from '../net/bytes.ts';
import { RECODINGS, type Recoding, SHORTEST_PIECE } from './recodings.ts';

/** A place where a piece of a marker was found. */
export interface Hit<Id> {
  readonly id: Id;
  readonly offset: number;
  readonly length: number;
  readonly form: Recoding['name'];
}

/** Bytes that are looked up at a time. */
const GRAM = 4;

/** One of every STEP places is looked up: every string of `SHORTEST_PIECE` bytes has such a place with a whole gram after it. */
const STEP = SHORTEST_PIECE - GRAM + 1;

/** Sets the bit that distinguishes most lowercase letters from uppercase ones, in four bytes. */
const FOLD = 0x20202020;

/** A hostile capture can be full of places that each must be compared with every marker. After this many, few are. */
const MAX_COMPARISONS = 200_000_000;
const FEW = 8;

/** More than the bytes of any form of the longest marker. */
const OFFSETS = 1024;

/** If there are more markers than this, the search covers only the forms that take the least memory. */
const MAX_RECODED = 5000;
const LEAST: readonly Recoding['name'][] = ['plain', 'reversed'];

/** A marker in one form. */
interface Pattern<Id> {
  readonly id: Id;
  readonly bytes: Uint8Array;
  readonly recoding: Recoding;
  /** The place in the searched bytes where it was last found, so that each place is compared once. */
  start: number;
  end: number;
}

/**
 * Finds pieces of any of many markers, in every recoding, in one pass. It looks up the four bytes at every 13th place in a table of
 * all that occur in any form of any marker; what is found is compared as far as it goes to both sides. So the time does not grow
 * with the number of markers or forms, only the table does.
 */
export class MarkerScan<Id> {
  /** Bytes on either side of a cut that can decide whether a piece is there. */
  readonly reach: number;
  /** True if the search covers every form of a marker, not only plain and reversed. */
  readonly recoded: boolean;
  readonly #patterns: Pattern<Id>[] = [];
  /** One bit for each hash: for most places, one lookup here is enough. */
  readonly #filter: Uint32Array;
  readonly #filterShift: number;
  /** The first gram of each hash, and the next one of each gram; -1 ends the list. */
  readonly #first: Int32Array;
  readonly #firstShift: number;
  readonly #next: Int32Array;
  /** The number of each gram's pattern, and the gram's offset in it. */
  readonly #places: Uint32Array;
  #comparisons = 0;
  readonly #maxComparisons: number;

  /** Throws RangeError if a marker is shorter than `SHORTEST_PIECE` bytes or longer than 255, or if there is none. */
  constructor(markers: ReadonlyMap<Id, Uint8Array>, maxComparisons = MAX_COMPARISONS) {
    this.#maxComparisons = maxComparisons;
    if (markers.size === 0) throw new RangeError('There must be a marker to search for');
    this.recoded = markers.size <= MAX_RECODED;
    const recodings = this.recoded ? RECODINGS : RECODINGS.filter(({ name }) => LEAST.includes(name));
    let longest = Math.max(...RECODINGS.map(({ shortest }) => shortest));
    for (const [id, text] of markers) {
      if (text.length < SHORTEST_PIECE || text.length > 255) {
        throw new RangeError(`Markers must be ${SHORTEST_PIECE} to 255 bytes long`);
      }
      longest = Math.max(longest, text.length);
      for (const recoding of recodings) {
        for (const bytes of recoding.write(text)) this.#patterns.push({ id, bytes, recoding, start: -1, end: -1 });
      }
    }
    this.reach = longest - 1;
    const grams = this.#patterns.reduce((sum, { bytes }) => sum + bytes.length - GRAM + 1, 0);
    const bits = Math.ceil(Math.log2(grams));
    const filterBits = Math.min(24, Math.max(13, bits + 5));
    this.#filterShift = 32 - filterBits;
    this.#filter = new Uint32Array(1 << (filterBits - 5));
    this.#firstShift = 32 - bits;
    this.#first = new Int32Array(1 << bits).fill(-1);
    this.#next = new Int32Array(grams);
    this.#places = new Uint32Array(grams);
    this.#index();
  }

  /** Returns whether some places were compared with only a few markers, because there were too many: a piece may have been missed. */
  get gaveUp(): boolean {
    return this.#comparisons > this.#maxComparisons;
  }

  /** Adds to `places` every place from `from` on whose four bytes may be those of a marker, and end before `to`. */
  findPlaces(view: DataView, from: number, to: number, places: number[]): void {
    const filter = this.#filter;
    const shift = this.#filterShift;
    const last = to - GRAM;
    for (let at = from; at <= last; at += STEP) {
      const slot = hashAt(view, at) >>> shift;
      if (((filter[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0) places.push(at);
    }
  }

  /**
   * Returns the pieces of markers that lie at one of `places` and wholly between `from` and `to`: of those that share bytes, the
   * longest. Several markers that are equal there are all returned.
   */
  compare(view: DataView, bytes: Uint8Array, places: readonly number[], from: number, to: number): Hit<Id>[] {
    const found: Hit<Id>[] = [];
    for (const pattern of this.#touched) [pattern.start, pattern.end] = [-1, -1];
    this.#touched.length = 0;
    for (const place of places)
      if (place >= from && place + GRAM <= to) this.#compareAt(view, bytes, place, from, to, found);
    return found.length > 1 ? longestOf(found) : found;
  }

  readonly #touched: Pattern<Id>[] = [];

  #compareAt(view: DataView, bytes: Uint8Array, place: number, from: number, to: number, found: Hit<Id>[]): void {
    const hash = hashAt(view, place);
    let comparisons = 0;
    for (let gram = this.#first[hash >>> this.#firstShift] ?? -1; gram >= 0; gram = this.#next[gram] ?? -1) {
      comparisons += 1;
      if (this.gaveUp && comparisons > FEW) break;
      const number = this.#places[gram] ?? 0;
      const pattern = this.#patterns[Math.floor(number / OFFSETS)];
      if (!pattern) continue;
      const at = number % OFFSETS;
      if (place >= pattern.start && place < pattern.end && place - at === pattern.start) continue;
      this.#extend(pattern, bytes, place, at, from, to, found);
    }
    this.#comparisons += comparisons;
  }

  /** Compares to both sides of a place, up to which the pattern is `at` bytes long. */
  #extend(
    pattern: Pattern<Id>,
    bytes: Uint8Array,
    place: number,
    at: number,
    from: number,
    to: number,
    found: Hit<Id>[],
  ): void {
    const { bytes: text, recoding, id } = pattern;
    const same = recoding.caseless ? isSameLetter : isSame;
    let [start, end] = [0, 0];
    while (at + end < text.length && place + end < to && same(u8(bytes, place + end), u8(text, at + end))) end += 1;
    if (end < GRAM) return;
    while (at - start > 0 && place - start > from && same(u8(bytes, place - start - 1), u8(text, at - start - 1)))
      start += 1;
    pattern.start = place - at;
    pattern.end = place + end;
    this.#touched.push(pattern);
    if (start + end < recoding.shortest) return;
    found.push({ id, offset: place - start, length: start + end, form: recoding.name });
  }

  #index(): void {
    let gram = 0;
    for (const [index, { bytes }] of this.#patterns.entries()) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at + GRAM <= bytes.length; at++, gram++) {
        const hash = hashAt(view, at);
        const slot = hash >>> this.#filterShift;
        this.#filter[slot >>> 5] = (this.#filter[slot >>> 5] ?? 0) | (1 << (slot & 31));
        this.#next[gram] = this.#first[hash >>> this.#firstShift] ?? -1;
        this.#first[hash >>> this.#firstShift] = gram;
        this.#places[gram] = index * OFFSETS + at;
      }
    }
  }
}

/** Removes hits that lie wholly within a longer one. */
function longestOf<Id>(found: Hit<Id>[]): Hit<Id>[] {
  const kept: Hit<Id>[] = [];
  for (const hit of found.sort((a, b) => b.length - a.length)) {
    const end = hit.offset + hit.length;
    const covered = kept.some(
      (other) => other.offset <= hit.offset && other.offset + other.length >= end && other.length > hit.length,
    );
    if (!covered) kept.push(hit);
  }
  return kept.sort((a, b) => a.offset - b.offset);
}

function hashAt(view: DataView, at: number): number {
  return Math.imul(view.getUint32(at, true) | FOLD, 0x9e3779b1);
}

function isSame(a: number, b: number): boolean {
  return a === b;
}

function isSameLetter(a: number, b: number): boolean {
  if (a === b) return true;
  const folded = a | 0x20;
  return folded === (b | 0x20) && folded >= 0x61 && folded <= 0x7a;
}
