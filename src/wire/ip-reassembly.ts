import { u8 } from '../net/bytes.ts';
import type { Walked } from './packet-walk.ts';
import type { Origin } from './stream-run.ts';

/** What the datagrams that are kept may cost, whole or not. */
const MAX_COST = 16 * 1024 * 1024;

/** What a fragment costs beside its bytes. */
const FRAGMENT_COST = 256;

/** Frames that are remembered of one datagram. One of 64 KiB on the smallest link there can be (68 bytes) has 1366. */
const MAX_ORIGINS = 2048;

/** A datagram put together from its fragments. */
export interface Assembled {
  /** The IP packet as it was before it was cut, but for its checksum: `decodeIpPacket` takes it. */
  readonly bytes: Uint8Array;
  /** The frames that carried which of its bytes, without the header. */
  readonly origins: readonly Origin[];
  /** Those of the origins that are new: all of them when the datagram was just completed. */
  readonly added: readonly Origin[];
}

interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Datagram {
  readonly check: number;
  /** In order, without overlaps; once it is complete there is but one. */
  pieces: Piece[];
  readonly origins: Origin[];
  /** How many bytes the pieces have. */
  held: number;
  /** How many there are in all, or -1 before the last fragment came. */
  total: number;
  cost: number;
  /** Of the first fragment. */
  header: Uint8Array | undefined;
  assembled: Uint8Array | undefined;
}

/**
 * Puts IPv4 and IPv6 fragments together: in any order, repeated, and overlapping where the bytes agree. A fragment that
 * contradicts what is there begins its datagram anew, since identifications are used again.
 */
export class IpDatagrams {
  /** Datagrams that were given up incomplete: there were too many, or they contradicted themselves. */
  dropped = 0;
  readonly #datagrams = new Map<number, Datagram>();
  readonly #maxCost: number;
  #cost = 0;

  constructor(maxCost = MAX_COST) {
    this.#maxCost = maxCost;
  }

  /**
   * Takes the fragment that `walked` found in `bytes`, which the frames of `origins` carried. Gives the datagram when this
   * completes it, and when it repeats a part of a complete one.
   */
  add(walked: Walked, bytes: Uint8Array, origins: readonly Origin[]): Assembled | undefined {
    const data = copyOf(bytes, walked.start, walked.end);
    const end = walked.position + data.length;
    if (data.length === 0 || end > 65_535) return undefined;
    const datagram = this.#datagramOf(walked, data, end);
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

  #datagramOf(walked: Walked, data: Uint8Array, end: number): Datagram {
    const known = this.#datagrams.get(walked.key);
    if (known?.check === walked.check && !contradicts(known, walked, data, end)) return known;
    if (known) this.#drop(walked.key, known);
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
      this.#drop(key, datagram);
    }
  }

  #drop(key: number, datagram: Datagram): void {
    this.#datagrams.delete(key);
    this.#cost -= datagram.cost;
    if (!datagram.assembled) this.dropped += 1;
  }
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

/** Adds what is not there yet. */
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

/** The index of the first piece that ends after a position. */
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

/** Origins within the fragment, as positions of the datagram's data. */
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

/** The header without a sign of fragmentation. */
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

/** What is longer than the field can say gets a 0, as segmentation offload does it. */
function setLength(packet: Uint8Array, total: number): void {
  const isIpv4 = u8(packet, 0) >> 4 === 4;
  const length = isIpv4 ? total : total - 40;
  const field = length > 65_535 ? 0 : length;
  packet.set([field >> 8, field & 0xff], isIpv4 ? 2 : 4);
}

/** Buffer.slice would give a view. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
