import { type Assembled, IpDatagrams } from './ip-reassembly.ts';
import { type Hit, MarkerScan } from './marker-scan.ts';
import { type Frame, TcpFlag } from './packet.ts';
import { newWalked, type Walked, walkFrame, walkIp } from './packet-walk.ts';
import type { Origin } from './stream-run.ts';
import { type Flow, TcpStreams } from './tcp-reassembly.ts';

/** A marker that was seen on the wire. */
export interface Sighting<Id> {
  readonly marker: Id;
  /** The indexes of the frames that held it: one, or where it was split, each that held a part of it. */
  readonly frames: readonly number[];
  /** It was not whole in one frame: it stood across TCP segments or IP fragments. */
  readonly split: boolean;
}

/** Where in a stream a split marker stands. */
interface Found<Id> {
  readonly marker: Id;
  readonly bytes: Uint8Array;
  readonly start: number;
}

/** Fragments within fragments are followed so deep. */
const MAX_NESTING = 8;

/** Split markers that are remembered for one stream, to recognise frames that repeat them. */
const MAX_FOUND = 64;

/** Between two frames of one batch lies a record's header; where there is more, the frames are searched one by one. */
const MAX_BETWEEN_FRAMES = 256;

/**
 * Looks for markers in the frames of one tap: anywhere in a frame's bytes, whatever they mean; across TCP segments, in any
 * order; and across IP fragments; the latter two within VLANs, VXLAN, Geneve and IP-in-IP too.
 */
export class MarkerSearch<Id> {
  readonly #scan: MarkerScan<Id>;
  readonly #streams: TcpStreams<Found<Id>[]>;
  readonly #datagrams: IpDatagrams;
  readonly #walked: Walked = newWalked();
  readonly #hits: Hit<Id>[] = [];
  #sightings: Sighting<Id>[] = [];

  /**
   * Markers are 3 to 255 bytes long; from 16 bytes on the search is fast. Throws RangeError for others, or for none. Searches of
   * several taps can share one scan, which takes its time to build.
   */
  constructor(
    markers: ReadonlyMap<Id, Uint8Array> | MarkerScan<Id>,
    limits: { flows?: number; fragmentBytes?: number } = {},
  ) {
    this.#scan = markers instanceof MarkerScan ? markers : new MarkerScan(markers);
    const uses = { onCut: this.#searchCut.bind(this), onRepeat: this.#searchRepeat.bind(this) };
    this.#streams = new TcpStreams(this.#scan.longest - 1, uses, limits.flows);
    this.#datagrams = new IpDatagrams(limits.fragmentBytes);
  }

  /** What was given up because there was too much of it, so that a split marker in it may have been missed. */
  get dropped(): { flows: number; gaps: number; datagrams: number } {
    return { ...this.#streams.dropped, datagrams: this.#datagrams.dropped };
  }

  /**
   * Takes the next frames, in the order of the capture, and gives what these completed. A marker is sighted once in each frame
   * that holds it whole. One that is split is sighted when its last part comes, with all of its frames, and again when parts
   * of it are repeated later; one that is split in two ways, into fragments of a segment, may be sighted twice.
   */
  feed(frames: readonly Frame[]): Sighting<Id>[] {
    this.#sightings = [];
    this.#searchFrames(frames);
    for (const frame of frames) this.#follow(frame);
    return this.#sightings;
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
    const hits = this.#search(all, 0, all.length);
    let at = first;
    let seen = new Set<Id>();
    for (const { id, offset, length } of hits) {
      const start = from.byteOffset + offset;
      let frame = frames[at];
      while (frame && frame.bytes.byteOffset + frame.bytes.length <= start) {
        at += 1;
        frame = frames[at];
        seen = new Set();
      }
      if (!frame || start < frame.bytes.byteOffset || seen.has(id)) continue;
      if (start + length > frame.bytes.byteOffset + frame.bytes.length) continue;
      seen.add(id);
      this.#sightings.push({ marker: id, frames: [frame.index], split: false });
    }
  }

  #follow(frame: Frame): void {
    const walked = this.#walked;
    walkFrame(walked, frame.bytes, frame.linkType);
    if (walked.kind === 'segment') this.#followSegment(frame.bytes, walked.start, walked.end, frame.index);
    else if (walked.kind === 'fragment') {
      this.#followFragment(frame.bytes, [{ start: 0, end: frame.bytes.length, frame: frame.index }], 0);
    }
  }

  #followSegment(bytes: Uint8Array, from: number, to: number, frame: number): void {
    const { key, check, sequence, flags, start } = this.#walked;
    const syn = flags & TcpFlag.syn ? 1 : 0;
    if (syn) this.#streams.open(key, check, sequence);
    // A SYN counts as one byte before the data.
    this.#streams.add(key, check, sequence + syn + from - start, bytes, from, to, frame);
    if (flags & (TcpFlag.fin | TcpFlag.rst)) this.#streams.close(key, check);
  }

  #followFragment(bytes: Uint8Array, origins: readonly Origin[], nesting: number): void {
    const walked = this.#walked;
    const assembled = this.#datagrams.add(walked, bytes, origins);
    if (!assembled) return;
    this.#searchAssembled(assembled);
    walkIp(walked, assembled.bytes, walked.path);
    if (walked.kind === 'segment') {
      for (const { start, end, frame } of assembled.added) {
        this.#followSegment(assembled.bytes, Math.max(start, walked.start), Math.min(end, walked.end), frame);
      }
    } else if (walked.kind === 'fragment' && nesting < MAX_NESTING) {
      this.#followFragment(assembled.bytes, assembled.added, nesting + 1);
    }
  }

  #searchAssembled({ bytes, origins, added }: Assembled): void {
    const reach = this.#scan.longest - 1;
    const from = Math.max(0, Math.min(...added.map((origin) => origin.start)) - reach);
    const to = Math.min(bytes.length, Math.max(...added.map((origin) => origin.end)) + reach);
    for (const { id, offset, length } of this.#search(bytes, from, to)) this.#reportSplit(id, offset, length, origins);
  }

  #searchCut(flow: Flow<Found<Id>[]>, bytes: Uint8Array, length: number, position: number, origins: readonly Origin[]) {
    for (const hit of this.#search(bytes, 0, length)) {
      const start = position + hit.offset;
      if (!this.#reportSplit(hit.id, start, hit.length, origins)) continue;
      flow.note ??= [];
      flow.note.push({ marker: hit.id, bytes: this.#scan.markers.get(hit.id) ?? new Uint8Array(0), start });
      if (flow.note.length > MAX_FOUND) flow.note.shift();
    }
  }

  /** A frame that repeats some of a marker's bytes held them as well. */
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
      this.#sightings.push({ marker: found.marker, frames: [frame], split: true });
    }
  }

  /** Gives false where the marker is whole in each of its frames, which is known from searching these. */
  #reportSplit(marker: Id, start: number, length: number, origins: readonly Origin[]): boolean {
    const end = start + length;
    const of = origins.filter((origin) => origin.start < end && origin.end > start);
    if (of.every((origin) => origin.start <= start && origin.end >= end)) return false;
    const frames = [...new Set(of.map((origin) => origin.frame))].sort((a, b) => a - b);
    this.#sightings.push({ marker, frames, split: true });
    return true;
  }

  #search(bytes: Uint8Array, from: number, to: number): readonly Hit<Id>[] {
    this.#hits.length = 0;
    this.#scan.scan(bytes, from, to, this.#hits);
    return this.#hits;
  }
}

function isNeighbour(frame: Frame | undefined, next: Frame | undefined): boolean {
  if (!frame || !next || frame.bytes.buffer !== next.bytes.buffer) return false;
  const between = next.bytes.byteOffset - frame.bytes.byteOffset - frame.bytes.length;
  return between >= 0 && between <= MAX_BETWEEN_FRAMES;
}
