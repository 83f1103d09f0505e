import { u8 } from '../net/bytes.ts';
import type { Walked } from './packet-walk.ts';
import type { Origin } from './stream-run.ts';
import type { Unsearched } from './unsearched.ts';

/** The most memory that kept datagrams may use, in bytes, whether they are whole or not. */
const MAX_COST = 16 * 1024 * 1024;

/** The memory that a fragment uses in addition to its bytes. */
const FRAGMENT_COST = 256;

/** The most frames that are remembered of one datagram. One of 64 KiB on the smallest possible link (68 bytes) has 1366. */
const MAX_ORIGINS = 2048;

/** A datagram put together from its fragments. */
export interface Assembled {
  /** The IP packet before fragmentation, except for its checksum; `decodeIpPacket` reads it. */
  readonly bytes: Uint8Array;
  /** The frames that carried which of its bytes, without the header. */
  readonly origins: readonly Origin[];
  /** The origins that are new: all of them if the datagram was just completed. */
  readonly added: readonly Origin[];
}

interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Datagram {
  readonly check: number;
  /** In order, without overlaps; a complete datagram has only one. */
  pieces: Piece[];
  readonly origins: Origin[];
  /** How many bytes the pieces have. */
  held: number;
  /** How many there are in all, or -1 before the last fragment came. */
  total: number;
  cost: number;
  /** The headers of the first fragment. */
  header: Uint8Array | undefined;
  assembled: Uint8Array | undefined;
}

interface Uses {
  /** Receives bytes of a datagram that was given up incomplete, without a gap, and the frames that carried which of them. */
  onPart(bytes: Uint8Array, origins: readonly Origin[]): void;
  /** Reports something that may have hidden a string across a cut. */
  onLoss(loss: Unsearched): void;
}

/**
 * Puts IPv4 and IPv6 fragments together: in any order, repeated, and overlapping if the bytes agree. A fragment that
 * contradicts earlier ones begins its datagram again, since identifications are reused.
 */
export class IpDatagrams {
  readonly #datagrams = new Map<number, Datagram>();
  readonly #uses: Partial<Uses>;
  readonly #maxCost: number;
  #cost = 0;

  constructor(uses: Partial<Uses> = {}, maxCost = MAX_COST) {
    this.#uses = uses;
    this.#maxCost = maxCost;
  }

  /** Gives up what is incomplete at the end of the capture. */
  finish(): void {
    for (const datagram of this.#datagrams.values()) {
      this.#giveUp(datagram, 'datagram hole', 'fragments of a datagram never came');
    }
    this.#datagrams.clear();
    this.#cost = 0;
  }

  /**
   * Takes the fragment that `walked` found in `bytes`, which the frames of `origins` carried. Returns the datagram if this
   * completes it, or repeats a part of a complete one.
   */
  add(walked: Walked, bytes: Uint8Array, origins: readonly Origin[]): Assembled | undefined {
    const data = copyOf(bytes, walked.start, walked.end);
    const end = walked.position + data.length;
    if (data.length === 0) return undefined;
    if (end > 65_535) {
      const frames = origins.map(({ frame }) => frame);
      this.#uses.onLoss?.({ kind: 'malformed', reason: 'a fragment lies beyond the end of any datagram', frames });
      return undefined;
    }
    const datagram = this.#datagramOf(walked, data, end, origins);
    if (!walked.more) datagram.total = end;
    if (walked.position === 0) datagram.header ??= headerOf(walked, bytes);
    const cost = datagram.cost;
    insert(datagram, walked.position, data);
    const added = shifted(origins, walked).slice(0, MAX_ORIGINS - datagram.origins.length);
    datagram.origins.push(...added);
    const result = assemble(datagram, added);
    this.#cost += datagram.cost - cost;
    this.#makeRoom();
    return result;
  }

  #datagramOf(walked: Walked, data: Uint8Array, end: number, origins: readonly Origin[]): Datagram {
    const known = this.#datagrams.get(walked.key);
    if (known?.check === walked.check && !contradicts(known, walked, data, end)) return known;
    if (known) {
      this.#remove(walked.key, known);
      this.#giveUp(known, 'contradiction', 'fragments of a datagram contradict each other', origins);
    }
    const datagram: Datagram = {
      check: walked.check,
      pieces: [],
      origins: [],
      held: 0,
      total: -1,
      cost: FRAGMENT_COST,
      header: undefined,
      assembled: undefined,
    };
    this.#datagrams.set(walked.key, datagram);
    this.#cost += datagram.cost;
    return datagram;
  }

  #makeRoom(): void {
    for (const [key, datagram] of this.#datagrams) {
      if (this.#cost <= this.#maxCost) return;
      this.#remove(key, datagram);
      this.#giveUp(datagram, 'over bound', 'there are too many fragments at a time');
    }
  }

  #remove(key: number, datagram: Datagram): void {
    this.#datagrams.delete(key);
    this.#cost -= datagram.cost;
  }

  /** Gives up a datagram; one that was complete is no loss. */
  #giveUp(datagram: Datagram, kind: Unsearched['kind'], reason: string, further: readonly Origin[] = []): void {
    if (datagram.assembled) return;
    for (const { start, bytes } of joined(datagram.pieces)) {
      const end = start + bytes.length;
      const origins = datagram.origins.filter((origin) => origin.start < end && origin.end > start);
      this.#uses.onPart?.(
        bytes,
        origins.map((origin) => ({ start: origin.start - start, end: origin.end - start, frame: origin.frame })),
      );
    }
    const frames = [...datagram.origins, ...further].map(({ frame }) => frame);
    this.#uses.onLoss?.({ kind, reason, frames: [...new Set(frames)].sort((a, b) => a - b) });
  }
}

/** Returns the pieces, with those that touch joined. */
function joined(pieces: readonly Piece[]): Piece[] {
  const groups: Piece[][] = [];
  for (const piece of pieces) {
    const before = groups.at(-1)?.at(-1);
    if (before && before.start + before.bytes.length === piece.start) groups.at(-1)?.push(piece);
    else groups.push([piece]);
  }
  return groups.map((group) => ({
    start: group[0]?.start ?? 0,
    bytes: Buffer.concat(group.map(({ bytes }) => bytes)),
  }));
}

function contradicts(datagram: Datagram, walked: Walked, data: Uint8Array, end: number): boolean {
  const { pieces, total } = datagram;
  const last = pieces.at(-1);
  const furthest = last ? last.start + last.bytes.length : 0;
  if (total !== -1 && (walked.more ? end > total : end !== total)) return true;
  if (!walked.more && furthest > end) return true;
  for (let i = firstEndingAfter(pieces, walked.position); i < pieces.length; i++) {
    const piece = pieces[i];
    if (!piece || piece.start >= end) break;
    const from = Math.max(piece.start, walked.position);
    const to = Math.min(piece.start + piece.bytes.length, end);
    const [mine, theirs] = [from - piece.start, from - walked.position];
    for (let k = 0; k < to - from; k++) if (piece.bytes[mine + k] !== data[theirs + k]) return true;
  }
  return false;
}

/** Adds the bytes that are missing so far. */
function insert(datagram: Datagram, position: number, data: Uint8Array): void {
  const { pieces } = datagram;
  const end = position + data.length;
  datagram.cost += FRAGMENT_COST;
  for (let i = firstEndingAfter(pieces, position), at = position; at < end; i++) {
    const next = pieces[i];
    const until = Math.min(end, next?.start ?? end);
    if (until > at) {
      pieces.splice(i, 0, { start: at, bytes: data.subarray(at - position, until - position) });
      datagram.held += until - at;
      datagram.cost += until - at;
      at = until;
    } else at = next ? next.start + next.bytes.length : end;
  }
}

/** Returns the index of the first piece that ends after a position. */
function firstEndingAfter(pieces: readonly Piece[], position: number): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece && piece.start + piece.bytes.length <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns origins within the fragment as positions in the datagram's data. */
function shifted(origins: readonly Origin[], walked: Walked): Origin[] {
  const shift = walked.position - walked.start;
  return origins
    .filter((origin) => origin.end > walked.start && origin.start < walked.end)
    .map(({ start, end, frame }) => ({
      start: Math.max(start, walked.start) + shift,
      end: Math.min(end, walked.end) + shift,
      frame,
    }));
}

function assemble(datagram: Datagram, added: readonly Origin[]): Assembled | undefined {
  const { header, held, total, origins, pieces } = datagram;
  if (!header || held !== total) return undefined;
  const move = (list: readonly Origin[]) =>
    list.map(({ start, end, frame }) => ({ start: start + header.length, end: end + header.length, frame }));
  if (datagram.assembled) return { bytes: datagram.assembled, origins: move(origins), added: move(added) };
  const bytes = new Uint8Array(header.length + total);
  bytes.set(header);
  for (const piece of pieces) bytes.set(piece.bytes, header.length + piece.start);
  setLength(bytes, header.length + total);
  datagram.pieces = [{ start: 0, bytes: bytes.subarray(header.length) }];
  datagram.assembled = bytes;
  const all = move(origins);
  return { bytes, origins: all, added: all };
}

/** Returns the header without any sign of fragmentation. */
function headerOf(walked: Walked, bytes: Uint8Array): Uint8Array {
  const { header, protocolAt, protocol, start } = walked;
  if (u8(bytes, header) >> 4 === 4) {
    const copy = copyOf(bytes, header, start);
    copy.set([u8(copy, 6) & 0x40, 0], 6);
    return copy;
  }
  const copy = copyOf(bytes, header, start - 8);
  copy[protocolAt - header] = protocol;
  return copy;
}

/** Writes the packet's length; one that does not fit the field becomes 0, as with segmentation offload. */
function setLength(packet: Uint8Array, total: number): void {
  const isIpv4 = u8(packet, 0) >> 4 === 4;
  const length = isIpv4 ? total : total - 40;
  const field = length > 65_535 ? 0 : length;
  packet.set([field >> 8, field & 0xff], isIpv4 ? 2 : 4);
}

/** Returns a copy; Buffer.slice would return a view. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
