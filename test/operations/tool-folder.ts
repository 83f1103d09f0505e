import { chmodSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMBEDDED_TOOLS, findTool, WIREGUARD_GO } from '../../src/machine/tools.ts';

/** Every program that the embedded engine may run. */
export const ALL_TOOLS = [...EMBEDDED_TOOLS, WIREGUARD_GO];

/** A folder that is all of PATH: links to this machine's own tools, but for those that are to be missing. */
export class ToolFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'wglab-tools-'));
  readonly #path = process.env.PATH;

  constructor(without: readonly string[] = []) {
    chmodSync(this.folder, 0o755);
    for (const { name } of ALL_TOOLS) if (!without.includes(name)) this.link(name);
  }

  link(name: string, target = findTool(name)): void {
    if (target !== undefined) symlinkSync(realpathSync(target), join(this.folder, name));
  }

  script(name: string, text: string): void {
    writeFileSync(join(this.folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  /** Makes it the PATH of this process while `work` lasts. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    process.env.PATH = this.folder;
    try {
      return await work();
    } finally {
      process.env.PATH = this.#path;
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
