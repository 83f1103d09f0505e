import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { labFailure } from '../errors.ts';

let found: string | undefined;

/** Returns the folder that holds labs/, topologies/ and manifests/: of the repository, or of the installed package. */
export function packageRoot(): string {
  found ??= search(dirname(fileURLToPath(import.meta.url)));
  return found;
}

/** Searches upwards, for the source is two folders deep and the bundle one. */
function search(folder: string): string {
  if (isWglab(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent !== folder) return search(parent);
  throw labFailure('wglab cannot find its own package.json, and so not its labs', { remedy: 'Install wglab again.' });
}

function isWglab(file: string): boolean {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).name === 'wglab';
  } catch {
    return false;
  }
}
