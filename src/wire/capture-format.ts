import type { Frame } from './packet.ts';

/** No link carries longer frames: 256 KiB leaves room above the 64 KiB of segmentation offload. */
export const MAX_FRAME_LENGTH = 256 * 1024;

/** The bytes are no capture, or are broken at `offset` of the file. Frames before it were given and are good. */
export class CaptureError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.name = 'CaptureError';
    this.offset = offset;
  }
}

/** How a format divides the file into records. `position` is where in the file the bytes at `offset` stand, for errors. */
export interface CaptureFormat {
  /** How many bytes of the next record must be there to know its length. */
  readonly headLength: number;
  /** The length of the record at `offset`, at least `headLength`. Throws CaptureError. */
  recordLength(bytes: Uint8Array, offset: number, position: number): number;
  /** The frame that a whole record carries, if it carries one. Throws CaptureError. */
  readRecord(bytes: Uint8Array, offset: number, length: number, position: number, index: number): Frame | undefined;
}

/** Reads 16 and 32 bits in the byte order of the file. */
export interface ByteOrder {
  u16(bytes: Uint8Array, offset: number): number;
  u32(bytes: Uint8Array, offset: number): number;
}

/** A view; Buffer.subarray would be slower and give Buffers. */
export function view(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length);
}
