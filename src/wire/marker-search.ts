import { type Assembled, IpDatagrams } from './ip-reassembly.ts';
import { type Hit, MarkerScan } from './marker-scan.ts';
import { type Frame, TcpFlag } from './packet.ts';
import { newWalked, type Walked, walkFrame, walkIp } from './packet-walk.ts';
import { RECODINGS, type Recoding } from './recodings.ts';
import { dataChunks } from './sctp.ts';
import type { Origin } from './stream-run.ts';
import { type Flow, Streams } from './streams.ts';
import { type Unsearched, unsearchedBy } from './unsearched.ts';

/** A piece of a marker that was seen on the wire: at least 16 consecutive characters of it, in some form. */
export interface Sighting<Id> {
  readonly marker: Id;
  /** The indexes of the frames that held it: one, or if it was split, each that held a part of it. */
  readonly frames: readonly number[];
  /** True if it was not whole in one frame: it lay across TCP segments, IP fragments, or datagrams. */
  readonly split: boolean;
  readonly form: Recoding['name'];
  /** How many consecutive characters of the marker were seen, or more. */
  readonly characters: number;
}

/** A split marker in a stream, and its place there. */
interface Found<Id> {
  readonly hit: Hit<Id>;
  readonly bytes: Uint8Array;
  readonly start: number;
}

/** How deep fragments within fragments are followed. */
const MAX_NESTING = 8;

/** Split markers that are remembered for one stream, to recognise frames that repeat them. */
const MAX_FOUND = 64;

/** Between two frames of one batch lies a record's header; if there is more, the frames are searched one by one. */
const MAX_BETWEEN_FRAMES = 256;

/** The most unsearched items that are kept until `takeUnsearched` returns them: a hostile capture can have many. */
const MAX_UNSEARCHED = 16_384;

const NO_HITS: readonly never[] = [];

interface Limits {
  flows?: number;
  fragmentBytes?: number;
}

/**
 * Looks for pieces of markers in the frames of one tap, in the forms of `searchedForms`: anywhere in a frame's bytes, whatever they
 * mean; and across TCP segments, IP fragments and the datagrams of one flow, within every encapsulation that the walk enters.
 * Give it every marker of a run, those of control packets too: markers of one run may begin alike, and a piece of that beginning may
 * belong to any of them.
 */
export class MarkerSearch<Id> {
  readonly #scan: MarkerScan<Id>;
  readonly #streams: Streams<Found<Id>[]>;
  readonly #flows: Streams<Found<Id>[]>;
  readonly #datagrams: IpDatagrams;
  readonly #walked: Walked = newWalked();
  readonly #places: number[] = [];
  #viewed: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#viewed.buffer);
  #sightings: Sighting<Id>[] = [];
  #unsearched: Unsearched[] = [];
  #frame = 0;

  /**
   * Throws RangeError if a marker has fewer than 16 bytes or more than 255, or if there is none. Searches of several taps can share
   * one scan, which takes its time to build.
   */
  constructor(markers: ReadonlyMap<Id, Uint8Array> | MarkerScan<Id>, limits: Limits = {}) {
    this.#scan = markers instanceof MarkerScan ? markers : new MarkerScan(markers);
    const onLoss = this.#lose.bind(this);
    const uses = { onCut: this.#searchCut.bind(this), onRepeat: this.#searchRepeat.bind(this), onLoss };
    this.#streams = new Streams(this.#scan.reach, uses, limits.flows);
    this.#flows = new Streams(this.#scan.reach, uses, limits.flows);
    this.#datagrams = new IpDatagrams({ onPart: this.#searchPart.bind(this), onLoss }, limits.fragmentBytes);
  }

  /**
   * Takes the next frames, in the order of the capture, and returns what these completed. A marker is sighted once in each frame
   * that holds a piece of it. One that is split is sighted when its last part comes, with all of its frames, and again when parts
   * of it are repeated later; one that is split in two ways, into fragments of a segment, may be sighted twice.
   */
  feed(frames: readonly Frame[]): Sighting<Id>[] {
    this.#sightings = [];
    this.#searchFrames(frames);
    for (const frame of frames) this.#follow(frame);
    return this.#sightings;
  }

  /** Ends the capture: returns what is sighted in datagrams that stayed incomplete, and notes what was never complete. */
  finish(): Sighting<Id>[] {
    this.#sightings = [];
    this.#datagrams.finish();
    this.#streams.finish();
    if (!this.#scan.recoded) {
      const reason = 'there are too many markers to search for them in other forms';
      this.#lose({ kind: 'over bound', reason, frames: [this.#frame] });
    }
    if (this.#scan.gaveUp) {
      const reason = 'more places look like pieces of markers than can be compared';
      this.#lose({ kind: 'over bound', reason, frames: [this.#frame] });
    }
    return this.#sightings;
  }

  /** Returns what could not be searched since the last call. After `finish`, that is all of it. */
  takeUnsearched(): Unsearched[] {
    const unsearched = this.#unsearched;
    this.#unsearched = [];
    return unsearched;
  }

  #lose(loss: Unsearched): void {
    if (this.#unsearched.length < MAX_UNSEARCHED) this.#unsearched.push(loss);
    else if (this.#unsearched.length === MAX_UNSEARCHED) {
      const reason = 'more could not be searched than can be listed';
      this.#unsearched.push({ kind: 'over bound', reason, frames: loss.frames });
    }
  }

  /** Frames of one batch mostly lie in one buffer, and are searched as one. */
  #searchFrames(frames: readonly Frame[]): void {
    let first = 0;
    for (let next = 1; next <= frames.length; next++) {
      if (isNeighbour(frames[next - 1], frames[next])) continue;
      this.#searchNeighbours(frames, first, next);
      first = next;
    }
  }

  #searchNeighbours(frames: readonly Frame[], first: number, next: number): void {
    const from = frames[first]?.bytes;
    const to = frames[next - 1]?.bytes;
    if (!from || !to) return;
    const all = new Uint8Array(from.buffer, from.byteOffset, to.byteOffset + to.length - from.byteOffset);
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    const places = this.#places;
    places.length = 0;
    this.#scan.findPlaces(view, 0, all.length, places);
    for (let at = first, i = 0; at < next && i < places.length; at++) {
      const frame = frames[at];
      if (!frame) return;
      const start = frame.bytes.byteOffset - from.byteOffset;
      const end = start + frame.bytes.length;
      const begin = i;
      while (i < places.length && (places[i] ?? 0) < end) i += 1;
      if (i > begin) this.#reportWhole(this.#scan.compare(view, all, places.slice(begin, i), start, end), frame.index);
    }
  }

  #reportWhole(hits: readonly Hit<Id>[], frame: number): void {
    const best = new Map<Id, Hit<Id>>();
    for (const hit of this.#ownersOf(hits, [frame])) {
      if (charactersOf(hit) > charactersOf(best.get(hit.id))) best.set(hit.id, hit);
    }
    for (const hit of best.values()) this.#report(hit, [frame], false);
  }

  #report(hit: Hit<Id>, frames: readonly number[], split: boolean): void {
    this.#sightings.push({ marker: hit.id, frames, split, form: hit.form, characters: charactersOf(hit) });
  }

  /** Returns the hits that belong to one marker; those that several markers share at the same place are only noted. */
  #ownersOf(hits: readonly Hit<Id>[], frames: readonly number[]): readonly Hit<Id>[] {
    if (hits.length < 2) return hits;
    const isShared = (hit: Hit<Id>) =>
      hits.some((other) => other.id !== hit.id && other.offset === hit.offset && other.length === hit.length);
    const owned = hits.filter((hit) => !isShared(hit));
    if (owned.length < hits.length) {
      this.#lose({ kind: 'shared piece', reason: 'it holds characters that several markers have alike', frames });
    }
    return owned;
  }

  #follow({ bytes, linkType, index }: Frame): void {
    const walked = this.#walked;
    this.#frame = index;
    walkFrame(walked, bytes, linkType);
    if (walked.ending !== 'complete') this.#noteEnding([index]);
    if (walked.kind === 'segment') this.#followSegment(bytes, walked.start, walked.end, index);
    else if (walked.kind === 'fragment') {
      this.#followFragment(bytes, [{ start: 0, end: bytes.length, frame: index }], index, 0);
    } else this.#followData(bytes, index);
  }

  #noteEnding(frames: readonly number[]): void {
    const lost = unsearchedBy(this.#walked, frames);
    if (lost) this.#lose(lost);
  }

  #followData(bytes: Uint8Array, frame: number): void {
    const { kind, key, check, start, end } = this.#walked;
    if (kind === 'datagram') this.#flows.append(key, check, bytes, start, end, frame);
    if (kind !== 'sctp') return;
    for (const chunk of dataChunks(bytes, start, end)) {
      this.#flows.append(key + chunk.stream, check, bytes, chunk.start, chunk.end, frame);
    }
  }

  #followSegment(bytes: Uint8Array, from: number, to: number, frame: number): void {
    const { key, check, sequence, flags, start, urgent } = this.#walked;
    const syn = flags & TcpFlag.syn ? 1 : 0;
    if (syn) this.#streams.open(key, check, sequence, frame);
    if (urgent > 0) {
      const reason = 'the application may not get the urgent bytes in their place';
      this.#lose({ kind: 'urgent bytes', reason, frames: [frame] });
    }
    // A SYN counts as one byte before the data.
    this.#streams.add(key, check, sequence + syn + from - start, bytes, from, to, frame);
    if (flags & (TcpFlag.fin | TcpFlag.rst)) this.#streams.close(key, check);
  }

  #followFragment(bytes: Uint8Array, origins: readonly Origin[], frame: number, nesting: number): void {
    const walked = this.#walked;
    const assembled = this.#datagrams.add(walked, bytes, origins);
    if (!assembled) return;
    this.#searchAssembled(assembled);
    walkIp(walked, assembled.bytes, walked.path);
    if (walked.ending !== 'complete') this.#noteEnding(framesOf(assembled.origins));
    if (walked.kind === 'segment') {
      for (const { start, end, frame } of assembled.added) {
        this.#followSegment(assembled.bytes, Math.max(start, walked.start), Math.min(end, walked.end), frame);
      }
    } else if (walked.kind !== 'fragment') this.#followData(assembled.bytes, frame);
    else if (nesting < MAX_NESTING) this.#followFragment(assembled.bytes, assembled.added, frame, nesting + 1);
    else
      this.#lose({ kind: 'too deep', reason: 'fragments are within fragments', frames: framesOf(assembled.origins) });
  }

  #searchAssembled({ bytes, origins, added }: Assembled): void {
    const { reach } = this.#scan;
    const from = Math.max(0, Math.min(...added.map((origin) => origin.start)) - reach);
    const to = Math.min(bytes.length, Math.max(...added.map((origin) => origin.end)) + reach);
    for (const hit of this.#searchAcross(bytes, from, to, 0, origins)) this.#reportSplit(hit, hit.offset, origins);
  }

  #searchPart(bytes: Uint8Array, origins: readonly Origin[]): void {
    for (const hit of this.#searchAcross(bytes, 0, bytes.length, 0, origins)) {
      this.#reportSplit(hit, hit.offset, origins);
    }
  }

  #searchCut(flow: Flow<Found<Id>[]>, bytes: Uint8Array, length: number, position: number, origins: readonly Origin[]) {
    for (const hit of this.#searchAcross(bytes, 0, length, position, origins)) {
      const start = position + hit.offset;
      this.#reportSplit(hit, start, origins);
      flow.note ??= [];
      flow.note.push({ hit, bytes: bytes.slice(hit.offset, hit.offset + hit.length), start });
      if (flow.note.length > MAX_FOUND) flow.note.shift();
    }
  }

  /** Sights a marker again in a frame that repeats some of its bytes. */
  #searchRepeat(
    flow: Flow<Found<Id>[]>,
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    frame: number,
  ): void {
    for (const found of flow.note ?? []) {
      const from = Math.max(found.start, position);
      const to = Math.min(found.start + found.bytes.length, position + length);
      if (from >= to) continue;
      const theirs = Buffer.from(bytes.buffer, bytes.byteOffset + offset + from - position, to - from);
      if (!theirs.equals(found.bytes.subarray(from - found.start, to - found.start))) continue;
      this.#report(found.hit, [frame], true);
    }
  }

  #reportSplit(hit: Hit<Id>, start: number, origins: readonly Origin[]): void {
    const end = start + hit.length;
    this.#report(hit, framesOf(origins.filter((origin) => origin.start < end && origin.end > start)), true);
  }

  /**
   * Returns the pieces that lie across a cut, in bytes of which the first has this position. Pieces that are whole in each of their
   * frames are known from the search of these.
   */
  #searchAcross(bytes: Uint8Array, from: number, to: number, position: number, origins: readonly Origin[]) {
    const view = this.#viewOf(bytes);
    const places = this.#places;
    places.length = 0;
    this.#scan.findPlaces(view, from, to, places);
    if (places.length === 0) return NO_HITS;
    const split = this.#scan.compare(view, bytes, places, from, to).filter((hit) => {
      const start = position + hit.offset;
      const end = start + hit.length;
      const holding = origins.filter((origin) => origin.start < end && origin.end > start);
      return holding.some((origin) => origin.start > start || origin.end < end);
    });
    return this.#ownersOf(split, framesOf(origins));
  }

  /** Returns a view of the bytes; all cuts are searched in one buffer. */
  #viewOf(bytes: Uint8Array): DataView {
    if (this.#viewed !== bytes) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.#view;
  }
}

function framesOf(origins: readonly Origin[]): number[] {
  return [...new Set(origins.map(({ frame }) => frame))].sort((a, b) => a - b);
}

/** Returns the number of characters, never more than the marker has. */
function charactersOf<Id>(hit: Hit<Id> | undefined): number {
  if (!hit) return 0;
  const recoding = RECODINGS.find(({ name }) => name === hit.form);
  return Math.ceil(hit.length / (recoding?.bytesPerCharacter ?? 1));
}

function isNeighbour(frame: Frame | undefined, next: Frame | undefined): boolean {
  if (!frame || !next || frame.bytes.buffer !== next.bytes.buffer) return false;
  const between = next.bytes.byteOffset - frame.bytes.byteOffset - frame.bytes.length;
  return between >= 0 && between <= MAX_BETWEEN_FRAMES;
}
