import { constants } from 'node:fs';
import { access, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure, lackingFailure, messageOf, usageFailure } from '../errors.ts';
import { writeWhole } from './whole-file.ts';

/** Throws a usage failure if a report cannot be written there: better before the work than after it. */
export async function checkReportFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw usageFailure(`cannot write ${path}: it is a folder`);
  try {
    await access(found ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw reportFailure(path, error);
  }
}

/** Writes a report that a person asked for, whole or not at all; to a FIFO or a device as it is. */
export async function writeReportFile(path: string, text: string): Promise<void> {
  try {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.isFile()) await writeWhole(await resolved(path), text, 0o644);
    else await writeThrough(path, text);
  } catch (error) {
    throw reportFailure(path, error instanceof Failure ? error.cause : error);
  }
}

/** Returns the path without a link in its last part, which is not to be replaced by a file. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(async () => join(await realpath(dirname(path)), basename(path)));
}

/** A FIFO that nobody reads is an error at once: opening it would wait. */
async function writeThrough(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'part of the path is a file, not a folder',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENXIO: 'nobody reads it',
  EAGAIN: 'nobody reads it',
};

/** Returns the failure for a file that a person named and that could not be written. */
export function reportFailure(path: string, cause: unknown): Failure {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return lackingFailure(`cannot write ${path}: the disk is full`, {
      remedy: 'Free some space, or name a file on another disk.',
      cause,
    });
  return usageFailure(`cannot write ${path}: ${REASONS[code] ?? messageOf(cause)}`, {
    remedy: 'Name another file.',
    cause,
  });
}
