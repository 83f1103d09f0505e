import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Home, WGLAB } from './wglab.ts';

const HELPER = fileURLToPath(new URL('run-on-terminal.py', import.meta.url));

/** The result of a command on a terminal of its own. */
export interface OnTerminal {
  status: number;
  /** The signal that ended it, if one did. */
  signal: number | null;
  /** It ended by itself within a minute. */
  bounded: boolean;
  written: string;
  /** The most memory that it had. */
  megabytes: number;
}

interface Options {
  /** Columns and rows: `80x24`. */
  size: string;
  /** Whether the kernel signals the command when the terminal is closed. */
  control?: 'own' | 'foreign';
  /** Closes the terminal once something written matches. */
  closeAt?: string;
}

/** Runs wglab on a terminal. */
export async function onTerminal(home: Home, args: readonly string[], options: Options): Promise<OnTerminal> {
  const { size, control = 'own', closeAt = '' } = options;
  const argv = [HELPER, size, control, closeAt, process.execPath, WGLAB, ...args];
  const env = { ...home.environment, TERM: 'xterm-256color' };
  const { stdout } = await promisify(execFile)('python3', argv, { env, maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout);
}
