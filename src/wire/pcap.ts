import { u16, u16le, u32, u32le } from '../net/bytes.ts';
import { type ByteOrder, CaptureError, type CaptureFormat, MAX_FRAME_LENGTH, view } from './capture-format.ts';
import type { Frame } from './packet.ts';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

const littleEndian: ByteOrder = { u16: u16le, u32: u32le };
const bigEndian: ByteOrder = { u16, u32 };

/**
 * Returns the format for the four bytes that a pcap file begins with, in either byte order, with micro- or nanoseconds;
 * undefined if they are something else (draft-ietf-opsawg-pcap).
 */
export function pcapFormat(bytes: Uint8Array, offset: number): CaptureFormat | undefined {
  for (const order of [littleEndian, bigEndian]) {
    const magic = order.u32(bytes, offset);
    if (magic === 0xa1b2c3d4) return new PcapFormat(order, 1e3);
    if (magic === 0xa1b23c4d) return new PcapFormat(order, 1e6);
  }
  return undefined;
}

/** Reads pcap; the file header counts as the first record. */
class PcapFormat implements CaptureFormat {
  headLength = FILE_HEADER;
  #linkType = -1;
  readonly #order: ByteOrder;
  readonly #fractionsPerMillisecond: number;

  constructor(order: ByteOrder, fractionsPerMillisecond: number) {
    this.#order = order;
    this.#fractionsPerMillisecond = fractionsPerMillisecond;
  }

  recordLength(bytes: Uint8Array, offset: number, position: number): number {
    if (this.#linkType === -1) return FILE_HEADER;
    const captured = this.#order.u32(bytes, offset + 8);
    if (captured > MAX_FRAME_LENGTH) throw new CaptureError(`A frame of ${captured} bytes cannot be`, position);
    return RECORD_HEADER + captured;
  }

  readRecord(bytes: Uint8Array, offset: number, length: number, position: number, index: number): Frame | undefined {
    if (this.#linkType === -1) {
      this.#readFileHeader(bytes, offset, position);
      return undefined;
    }
    const order = this.#order;
    const captured = length - RECORD_HEADER;
    return {
      index,
      time: order.u32(bytes, offset) * 1e3 + order.u32(bytes, offset + 4) / this.#fractionsPerMillisecond,
      linkType: this.#linkType,
      originalLength: Math.max(captured, order.u32(bytes, offset + 12)),
      bytes: view(bytes, offset + RECORD_HEADER, captured),
    };
  }

  #readFileHeader(bytes: Uint8Array, offset: number, position: number): void {
    const major = this.#order.u16(bytes, offset + 4);
    if (major !== 2) throw new CaptureError(`This is pcap of version ${major}; only 2 is known`, position);
    // The upper half of the field says how long a frame check sequence is.
    this.#linkType = this.#order.u32(bytes, offset + 20) & 0xffff;
    this.headLength = RECORD_HEADER;
  }
}
