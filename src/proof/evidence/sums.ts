/** The digests of an evidence folder, in the form of `sha256sum`. */
export const SUMS_FILE = 'SHA256SUMS';

/** Longer lists than this are refused; a line has about 100 bytes. */
export const MOST_SUMS_BYTES = 64 * 1024 * 1024;

/** The names that may be in a list: files of the folder, or of one folder in it. */
const NAME = /^([a-z0-9][a-z0-9._-]*\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Returns the lines of `SHA256SUMS`, which `sha256sum -c` checks. */
export function formatSums(digests: ReadonlyMap<string, string>): string {
  return [...digests].map(([name, sha256]) => `${sha256}  ${name}\n`).join('');
}

/** Reads the text of `SHA256SUMS`; returns digests by name, or the reason why it is not such a list. */
export function parseSums(text: string): ReadonlyMap<string, string> | string {
  const digests = new Map<string, string>();
  const lines = text.split('\n');
  if (lines.pop() !== '') return 'it does not end with a whole line';
  for (const [i, line] of lines.entries()) {
    const [, sha256, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (sha256 === undefined || name === undefined) return `line ${i + 1} is not a digest and a name`;
    if (!NAME.test(name)) return `line ${i + 1} does not name a file of an evidence folder`;
    if (digests.has(name)) return `line ${i + 1} names a file for the second time`;
    digests.set(name, sha256);
  }
  return digests;
}
