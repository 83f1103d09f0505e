import { hexDump } from '../text/hex.ts';

/** Matches a line of captured text that is worth showing. Bounded repeats only: lines are as long as whoever sent them liked. */
const SECRET =
  /pass(word|wd)?\b|secret|token|bearer|authorization|api[-_ ]?key|cookie|credential|AKIA|\b\w{1,16}:\/\/[^\s/:]{1,64}:[^\s/@]{1,64}@/i;

const SHORTEST_LINE = 8;
const LONGEST_LINE = 160;
const MOST_LINES = 4;
const SHOWN_BYTES = 64;

/**
 * Returns the first lines of printable ASCII in a packet that hold a secret or one of `markers`. Safe for any terminal: nothing but
 * the characters from space to tilde.
 */
export function secretLines(bytes: Uint8Array, markers: readonly string[]): string[] {
  return printableLines(bytes)
    .filter((line) => SECRET.test(line) || markers.some((marker) => line.includes(marker)))
    .slice(0, MOST_LINES)
    .map((line) => shorten(line, markers));
}

/** Returns the first 64 bytes as a hex dump with an ASCII column, like tcpdump -X and xxd. */
export function hexLines(bytes: Uint8Array): string[] {
  return hexDump(bytes.subarray(0, SHOWN_BYTES));
}

function printableLines(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return text.split(/[^\x20-\x7e]+/).filter((line) => line.length >= SHORTEST_LINE);
}

/** Cuts a long line down to the part that makes it worth showing. */
function shorten(line: string, markers: readonly string[]): string {
  if (line.length <= LONGEST_LINE) return line;
  const marker = markers.find((m) => line.includes(m));
  const found = marker === undefined ? line.search(SECRET) : line.indexOf(marker);
  const start = Math.max(0, Math.min(found - 24, line.length - LONGEST_LINE));
  return line.slice(start, start + LONGEST_LINE);
}
