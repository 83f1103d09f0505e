import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { usageFailure } from '../errors.ts';

/**
 * Opens a regular file for reading. Never waits, as opening a FIFO would, and follows no link. Throws a usage Failure for
 * anything but a regular file, and the error of node:fs if there is none.
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await openWithoutWaiting(path);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notRegular(path, stats.isDirectory() ? 'a folder' : 'a FIFO or a device');
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Reads a regular file of no more than `most` bytes. Throws as `openRegular` does, and a usage Failure if it is longer. */
export async function readRegular(path: string, most: number): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    const { size } = await file.stat();
    if (size > most) throw usageFailure(`${path} is ${size} bytes long; wglab reads no more than ${most}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function openWithoutWaiting(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ELOOP') throw notRegular(path, 'a symbolic link');
    if (code === 'ENXIO') throw notRegular(path, 'a socket');
    throw error;
  }
}

function notRegular(path: string, what: string): Error {
  return usageFailure(`${path} is ${what}, not a file`, { remedy: 'Name a folder that holds nothing but files.' });
}
