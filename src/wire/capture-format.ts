import type { Frame } from './packet.ts';

/** No link carries longer frames: 256 KiB leaves room above the 64 KiB of segmentation offload. */
export const MAX_FRAME_LENGTH = 256 * 1024;

/** Thrown if the bytes are no capture, or are broken at `offset` of the file. Frames returned before it are good. */
export class CaptureError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.name = 'CaptureError';
    this.offset = offset;
  }
}

/** How a format divides the file into records. `position` is the place in the file of the bytes at `offset`, for errors. */
export interface CaptureFormat {
  /** How many bytes of the next record must be there to know its length. */
  readonly headLength: number;
  /** Returns the length of the record at `offset`, at least `headLength`. Throws CaptureError. */
  recordLength(bytes: Uint8Array, offset: number, position: number): number;
  /** Returns the frame that a whole record carries, if it carries one. Throws CaptureError. */
  readRecord(bytes: Uint8Array, offset: number, length: number, position: number, index: number): Frame | undefined;
}

/** Reads 16 and 32 bits in the byte order of the file. */
export interface ByteOrder {
  u16(bytes: Uint8Array, offset: number): number;
  u32(bytes: Uint8Array, offset: number): number;
}

/** Returns a view; Buffer.subarray would be slower and return Buffers. */
export function view(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length);
}
