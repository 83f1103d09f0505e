import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { usageFailure } from '../errors.ts';

export interface RegularFileOptions {
  /** Follows symbolic links, as for a file that a person names; evidence holds none. */
  followLinks?: boolean;
}

/**
 * Opens a regular file for reading. Never waits, as opening a FIFO would, and follows no link unless it is asked to. Throws a usage
 * Failure for anything but a regular file, and the error of node:fs if there is none.
 */
export async function openRegular(path: string, options: RegularFileOptions = {}): Promise<FileHandle> {
  const file = await openWithoutWaiting(path, options);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw notRegular(path, 'a folder');
    if (!stats.isFile()) throw notRegular(path, stats.isFIFO() ? 'a FIFO' : 'a device');
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Reads a regular file of no more than `most` bytes. Throws as `openRegular` does, and a usage Failure if it is longer. */
export async function readRegular(path: string, most: number, options: RegularFileOptions = {}): Promise<Buffer> {
  const file = await openRegular(path, options);
  try {
    const { size } = await file.stat();
    if (size > most) throw tooLong(path, most, size);
    const chunks: Buffer[] = [];
    let length = 0;
    // A file may grow while it is read, and some of /proc have no end.
    for await (const chunk of file.createReadStream({ autoClose: false, end: most })) {
      chunks.push(chunk);
      length += chunk.length;
    }
    if (length > most) throw tooLong(path, most);
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

/** Reads a regular file that a person named, as text in UTF-8. Throws as `readRegular` does. */
export async function readNamedText(path: string, most: number): Promise<string> {
  return (await readRegular(path, most, { followLinks: true })).toString('utf8');
}

/** Says that a file has more bytes than wglab reads of its kind. */
export function tooLong(path: string, most: number, size?: number): Error {
  const has = size === undefined ? `more than ${most}` : String(size);
  return usageFailure(`${path} has ${has} bytes: wglab reads files up to ${most}`);
}

async function openWithoutWaiting(path: string, { followLinks = false }: RegularFileOptions): Promise<FileHandle> {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  try {
    return await open(path, O_RDONLY | O_NONBLOCK | (followLinks ? 0 : O_NOFOLLOW));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ELOOP' && !followLinks) throw notRegular(path, 'a symbolic link');
    if (code === 'ENXIO') throw notRegular(path, 'a socket');
    throw error;
  }
}

function notRegular(path: string, what: string): Error {
  return usageFailure(`${path} is ${what}, not a file`, { remedy: 'Name an ordinary file.' });
}
