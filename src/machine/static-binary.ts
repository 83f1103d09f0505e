import { closeSync, openSync, readSync } from 'node:fs';

/** As elf(5) numbers them: a segment that names the loader, and the 64-bit class. */
const PT_INTERP = 3;
const ELFCLASS64 = 2;

/** Real programs have a dozen segments of 56 bytes. */
const LARGEST_TABLE = 64 * 1024;

/**
 * Whether a program runs where there is no other file: an ELF file without an interpreter segment. A script, or anything
 * else that is not ELF, is not static. Reads the file's header only; throws where it cannot be read.
 */
export function isStatic(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const header = readAt(descriptor, 0, 64);
    if (header.toString('latin1', 0, 4) !== '\u007fELF') return false;
    if (header.length < (header[4] === ELFCLASS64 ? 64 : 52)) return false;
    const { offset, size, count } = programHeaders(header);
    if (size < 4 || size * count > LARGEST_TABLE || !Number.isSafeInteger(offset)) return false;
    const segments = readAt(descriptor, offset, size * count);
    if (segments.length < size * count) return false;
    return !Array.from({ length: count }, (_, i) => word(segments, i * size, header)).includes(PT_INTERP);
  } finally {
    closeSync(descriptor);
  }
}

/** The offset of the program headers: elf(5), Ehdr. */
function programHeaders(header: Buffer): { offset: number; size: number; count: number } {
  const half = (at: number) => (isBigEndian(header) ? header.readUInt16BE(at) : header.readUInt16LE(at));
  if (header[4] !== ELFCLASS64) return { offset: word(header, 28, header), size: half(42), count: half(44) };
  const offset = isBigEndian(header) ? header.readBigUInt64BE(32) : header.readBigUInt64LE(32);
  return { offset: Number(offset), size: half(54), count: half(56) };
}

function word(bytes: Buffer, at: number, header: Buffer): number {
  return isBigEndian(header) ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
}

function isBigEndian(header: Buffer): boolean {
  return header[5] === 2;
}

function readAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
}
