import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure, lackingFailure, messageOf } from '../errors.ts';

/**
 * Writes a file whole or not at all: a reader finds the old file or the new one, even after a crash or on a full disk.
 * `mode` is set whatever the umask is. Throws a lacking failure that names the path.
 */
export async function writeWhole(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  // In the same folder, for a rename does not reach another file system.
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(data);
      // Some file systems find out only now that the disk is full; and a rename may reach the disk before the data does.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw storageFailure(error, `write ${path}`);
  }
}

/** Makes a folder that only its owner can read, and the missing ones above it. Throws a lacking failure. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storageFailure(error, `make the folder ${path}`);
  }
}

/** Explains what a file system refused, with the remedy. `doing` says what wglab was about to do, with the path. */
export function storageFailure(cause: unknown, doing: string): Failure {
  if (cause instanceof Failure) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const { why, remedy = ELSEWHERE } = REASONS[code] ?? { why: messageOf(cause) };
  return lackingFailure(`cannot ${doing}: ${why}`, { remedy, cause });
}

const ELSEWHERE = 'Set WGLAB_HOME to a folder that you can write to.';
const ROOM = 'Free some space, or set WGLAB_HOME to a folder on another disk.';

const REASONS: Record<string, { why: string; remedy?: string }> = {
  ENOSPC: { why: 'the disk is full', remedy: ROOM },
  EDQUOT: { why: 'your share of the disk is used up', remedy: ROOM },
  EACCES: { why: 'permission denied', remedy: `Make it yours (chown, chmod), or ${ELSEWHERE.replace('Set', 'set')}` },
  EPERM: { why: 'operation not permitted' },
  EROFS: { why: 'the file system is read-only' },
  ENOTDIR: {
    why: 'part of the path is a file, not a folder',
    remedy: 'Move that file away, or set WGLAB_HOME to another folder.',
  },
  EEXIST: { why: 'there is a file in its place', remedy: 'Move that file away, or set WGLAB_HOME to another folder.' },
  EISDIR: {
    why: 'there is a folder in its place',
    remedy: 'Move that folder away, or set WGLAB_HOME to another folder.',
  },
};
