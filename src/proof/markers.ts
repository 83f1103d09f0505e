import { randomBytes } from 'node:crypto';

/** Every marker has this many characters, each of one byte. */
export const MARKER_LENGTH = 48;

/**
 * Returns `count` markers by their ids `m1`, `m2`, …: hexadecimal characters at random, which survive any shell, header and log.
 * No two share a piece, so any piece identifies its marker.
 */
export function newMarkers(count: number): Record<string, string> {
  const ids = Array.from({ length: count }, (_, i) => `m${i + 1}`);
  return Object.fromEntries(ids.map((id) => [id, randomBytes(MARKER_LENGTH / 2).toString('hex')]));
}
