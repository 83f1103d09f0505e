import { randomBytes } from 'node:crypto';

/** How many hexadecimal characters all markers of one run begin with. */
const RUN_PREFIX_LENGTH = 16;
const UNIQUE_LENGTH = 32;

/** Every marker has this many characters, each of one byte. */
export const MARKER_LENGTH = RUN_PREFIX_LENGTH + UNIQUE_LENGTH;

/**
 * `count` markers by their ids `m1`, `m2`, …: 48 hexadecimal characters each, which survive any shell, header and log. The
 * first 16 are the same in all markers of the run, so that one run's traffic is told from another's; the rest is unique.
 */
export function newMarkers(count: number): Record<string, string> {
  const run = randomHex(RUN_PREFIX_LENGTH);
  const ids = Array.from({ length: count }, (_, i) => `m${i + 1}`);
  return Object.fromEntries(ids.map((id) => [id, run + randomHex(UNIQUE_LENGTH)]));
}

function randomHex(characters: number): string {
  return randomBytes(characters / 2).toString('hex');
}
