import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach } from 'vitest';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder of links to all that is on PATH, but for one tool. */
export function pathWithout(tool: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'wglab-e2e-path-'));
  folders.push(folder);
  for (const from of (process.env.PATH ?? '').split(delimiter).reverse()) {
    for (const name of entriesOf(from)) {
      if (name === tool) continue;
      rmSync(join(folder, name), { force: true });
      symlinkSync(join(from, name), join(folder, name));
    }
  }
  return folder;
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // PATH may name what is not there
  }
}
