import { stat } from 'node:fs/promises';
import { Failure, messageOf, usageFailure } from '../errors.ts';
import { readRegular } from '../state/regular-file.ts';
import { inputFailure, type Place, showFile } from './problem.ts';

/** Calico's own CRDs, the largest manifests that anyone has at hand, take 2 MB. */
const LARGEST = 8 * 1024 * 1024;

/** Returns the text of an input file. Throws a usage failure if there is none, or if it is not text. */
export async function readInputFile(path: string): Promise<string> {
  const shown = showFile(path);
  try {
    const bytes = await readRegular(path, LARGEST, { followLinks: true });
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw error instanceof Failure ? error : unreadable(shown, error);
  }
}

/** Throws a usage failure if a file is missing that another file names at `place`. */
export async function requireFiles(named: readonly { file: string; place: Place }[]): Promise<void> {
  const there = await Promise.all(
    named.map(({ file }) =>
      stat(file).then(
        (found) => found.isFile(),
        () => false,
      ),
    ),
  );
  const missing = named.filter((_, i) => !there[i]);
  if (missing.length === 0) return;
  throw inputFailure(missing.map(({ file, place }) => ({ place, message: `there is no file ${showFile(file)}` })));
}

function unreadable(shown: string, cause: unknown): Failure {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'ENOENT':
    case 'ENOTDIR':
      return usageFailure(`there is no file ${shown}`, { cause });
    case 'EACCES':
      return usageFailure(`${shown} may not be read`, { remedy: 'Give yourself the right to read it.', cause });
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return usageFailure(`${shown}:1:1: this is not UTF-8 text`, { remedy: 'Save it as UTF-8.', cause });
    default:
      return usageFailure(`${shown} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
