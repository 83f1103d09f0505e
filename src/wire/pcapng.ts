import { u8, u16, u16le, u32, u32le } from '../net/bytes.ts';
import { type ByteOrder, CaptureError, type CaptureFormat, MAX_FRAME_LENGTH, view } from './capture-format.ts';
import type { Frame } from './packet.ts';

/** Blocks of name resolution or secrets may be long; nothing sensible is longer than 16 MiB. */
const MAX_BLOCK_LENGTH = 16 * 1024 * 1024;

/** The most interfaces: a file with more is made to exhaust memory. */
const MAX_INTERFACES = 65536;

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

/** The type and length before a block's content; the length is repeated after it. */
const BLOCK_START = 8;
const BLOCK_END = 4;

const littleEndian: ByteOrder = { u16: u16le, u32: u32le };
const bigEndian: ByteOrder = { u16, u32 };

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly unitsPerMillisecond: number;
  /** Milliseconds to add to each time. */
  readonly timeOffset: number;
}

/** The fields of a packet block, whatever its type. */
interface PacketFields {
  readonly from: Interface;
  readonly time: number;
  readonly captured: number;
  readonly original: number;
  /** The offset of the frame's bytes within the block. */
  readonly start: number;
}

/** Returns the format for the four bytes that every pcapng file begins with; undefined if they are something else. */
export function pcapngFormat(bytes: Uint8Array, offset: number): CaptureFormat | undefined {
  return u32(bytes, offset) === SECTION_HEADER ? new PcapngFormat() : undefined;
}

/**
 * Reads pcapng; each block is a record (draft-ietf-opsawg-pcapng). A new section may change the byte order, and starts a new list of
 * interfaces.
 */
class PcapngFormat implements CaptureFormat {
  /** The byte order of a section comes after the length of its header: 12 bytes, which is also the shortest block. */
  readonly headLength = 12;
  #order = littleEndian;
  #interfaces: Interface[] = [];

  recordLength(bytes: Uint8Array, offset: number, position: number): number {
    if (u32(bytes, offset) === SECTION_HEADER) this.#order = byteOrder(bytes, offset + BLOCK_START, position);
    const length = this.#order.u32(bytes, offset + 4);
    if (length < this.headLength || length > MAX_BLOCK_LENGTH || length % 4 !== 0) {
      throw new CaptureError(`A block of ${length} bytes cannot be`, position);
    }
    return length;
  }

  readRecord(bytes: Uint8Array, offset: number, length: number, position: number, index: number): Frame | undefined {
    const type = this.#order.u32(bytes, offset);
    if (this.#order.u32(bytes, offset + length - BLOCK_END) !== length) {
      throw new CaptureError('A block gives its length twice and not the same', position);
    }
    if (type === SECTION_HEADER) this.#interfaces = [];
    else if (type === INTERFACE) this.#addInterface(bytes, offset, length, position);
    else return this.#readPacket(type, bytes, offset, length, position, index);
    return undefined;
  }

  #addInterface(bytes: Uint8Array, offset: number, length: number, position: number): void {
    if (length < BLOCK_START + 8 + BLOCK_END) throw new CaptureError('An interface block is too short', position);
    if (this.#interfaces.length >= MAX_INTERFACES) throw new CaptureError('There are too many interfaces', position);
    this.#interfaces.push(readInterface(this.#order, bytes, offset + BLOCK_START, offset + length - BLOCK_END));
  }

  #readPacket(type: number, bytes: Uint8Array, offset: number, length: number, position: number, index: number) {
    const fields = this.#packetFields(type, bytes, offset, length, position);
    if (!fields) return undefined;
    const { from, time, captured, original, start } = fields;
    if (captured > MAX_FRAME_LENGTH) throw new CaptureError(`A frame of ${captured} bytes cannot be`, position);
    if (start + captured > length - BLOCK_END) throw new CaptureError('A frame is longer than its block', position);
    return {
      index,
      time,
      linkType: from.linkType,
      originalLength: Math.max(captured, original),
      bytes: view(bytes, offset + start, captured),
    };
  }

  #packetFields(type: number, bytes: Uint8Array, offset: number, length: number, at: number): PacketFields | undefined {
    const { u16, u32 } = this.#order;
    const body = offset + BLOCK_START;
    if (type === ENHANCED_PACKET || type === OLD_PACKET) {
      const start = BLOCK_START + 20;
      if (length < start + BLOCK_END) throw new CaptureError('A packet block is too short', at);
      const from = this.#interface(type === OLD_PACKET ? u16(bytes, body) : u32(bytes, body), at);
      const units = u32(bytes, body + 4) * 2 ** 32 + u32(bytes, body + 8);
      const time = units / from.unitsPerMillisecond + from.timeOffset;
      return { from, time, captured: u32(bytes, body + 12), original: u32(bytes, body + 16), start };
    }
    if (type !== SIMPLE_PACKET) return undefined;
    const start = BLOCK_START + 4;
    if (length < start + BLOCK_END) throw new CaptureError('A packet block is too short', at);
    const from = this.#interface(0, at);
    const original = u32(bytes, body);
    const captured = from.snapLength === 0 ? original : Math.min(original, from.snapLength);
    return { from, time: 0, captured, original, start };
  }

  #interface(index: number, position: number): Interface {
    const found = this.#interfaces[index];
    if (!found) throw new CaptureError(`A packet is from interface ${index}, which was not described`, position);
    return found;
  }
}

function byteOrder(bytes: Uint8Array, offset: number, position: number): ByteOrder {
  if (u32le(bytes, offset) === 0x1a2b3c4d) return littleEndian;
  if (u32(bytes, offset) === 0x1a2b3c4d) return bigEndian;
  throw new CaptureError('A section does not say its byte order', position);
}

function readInterface(order: ByteOrder, bytes: Uint8Array, start: number, end: number): Interface {
  let unitsPerMillisecond = 1e3;
  let timeOffset = 0;
  for (let offset = start + 8; offset + 4 <= end; ) {
    const code = order.u16(bytes, offset);
    const length = order.u16(bytes, offset + 2);
    if (code === 0 || offset + 4 + length > end) break;
    if (code === 9 && length === 1) unitsPerMillisecond = resolution(u8(bytes, offset + 4));
    if (code === 14 && length === 8) timeOffset = seconds(order, bytes, offset + 4) * 1e3;
    offset += 4 + ((length + 3) & ~3);
  }
  const linkType = order.u16(bytes, start);
  return { linkType, snapLength: order.u32(bytes, start + 4), unitsPerMillisecond, timeOffset };
}

/** if_tsresol: a negative power of 10, or of 2 if the highest bit is set. */
function resolution(value: number): number {
  return (value & 0x80 ? 2 ** (value & 0x7f) : 10 ** value) / 1e3;
}

/** if_tsoffset: a signed 64-bit number. */
function seconds(order: ByteOrder, bytes: Uint8Array, offset: number): number {
  const [high, low] = order === littleEndian ? [offset + 4, offset] : [offset, offset + 4];
  return (order.u32(bytes, high) | 0) * 2 ** 32 + order.u32(bytes, low);
}
