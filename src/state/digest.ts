import { createHash } from 'node:crypto';
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
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of file.createReadStream()) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { sha256: hash.digest('hex'), size };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns the SHA-256 digest of bytes, in lowercase hex. */
export function sha256Of(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
