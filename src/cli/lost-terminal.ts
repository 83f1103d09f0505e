import { closeSync, fstatSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Keeps Node from aborting if it ends after its terminal was closed: it restores the settings of every standard stream that was a
 * terminal when it began, takes it for a bug of its own if that fails, and leaves alone what is closed.
 */
export function surviveLostTerminal(): void {
  process.on('exit', () => {
    for (const fd of [0, 1, 2]) if (isDevice(fd) && !isatty(fd)) closeSync(fd);
  });
}

function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false; // closed
  }
}
