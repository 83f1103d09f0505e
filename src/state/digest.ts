import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { openRegular } from './regular-file.ts';

export interface Digest {
  /** In lowercase hex. */
  sha256: string;
  /** In bytes. */
  size: number;
}

/** Returns the SHA-256 digest and the length of a regular file, or undefined if there is none. */
export async function digestFile(path: string): Promise<Digest | undefined> {
  try {
    const file = await openRegular(path);
    try {
      return await digestOf(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const CHUNK_BYTES = 256 * 1024;

/** Without a stream: an evidence folder may have thousands of small files. */
async function digestOf(file: FileHandle): Promise<Digest> {
  const hash = createHash('sha256');
  const { size: expected } = await file.stat();
  const chunk = Buffer.allocUnsafe(Math.min(expected + 1, CHUNK_BYTES));
  let size = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return { sha256: hash.digest('hex'), size };
    hash.update(chunk.subarray(0, bytesRead));
    size += bytesRead;
  }
}

/** Returns the SHA-256 digest of bytes, in lowercase hex. */
export function sha256Of(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
