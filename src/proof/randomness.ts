/**
 * Chi-square of 256 byte values above which bytes are structured. For random bytes it has mean 255 and standard deviation
 * 22.6, however many there are; 512 is more than eight deviations away also in the skewed tail (Wilson-Hilferty: z = 8 lies at 481;
 * for less than 100 bytes, the count of equal pairs that it needs, as a Poisson number, comes to the same). So one honest test fails
 * with less than 1 in 10^13: 10,000 runs of 10,000 packets fail once in 100,000. Hexadecimal text reaches it at 60 bytes, base64 at 130.
 */
const CHI_SQUARE_BOUND = 512;

/**
 * The bound on how unlikely the number of bytes of a kind may be, as -ln of its probability: 30 is 1 in 10^13. In short texts the
 * kinds below show before the chi-square does: 44 bytes of ASCII, 32 printable ones, 16 digits and lowercase letters.
 */
const KIND_BOUND = 30;

/** Kinds of bytes that text is made of: how many of the 256 values each has. */
const KINDS: readonly { readonly size: number; readonly table: Uint8Array }[] = [
  kind((byte) => byte < 0x80),
  kind((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09),
  kind((byte) => (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a)),
  kind((byte) => (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a)),
  kind((byte) => byte === 0),
];

/** How far the number of equal bytes may lie above its mean: in deviations, and in bytes if the mean is small. */
const REUSE_DEVIATIONS = 10;
const REUSE_ALLOWANCE = 20;

const counts = new Uint32Array(256);

/** Returns whether bytes could be ciphertext. Compressed data could be too: this can only refute. */
export function looksRandom(bytes: Uint8Array): boolean {
  counts.fill(0);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  return countsLookRandom(counts, bytes.length);
}

/** Bytes of many packets taken together, so that little structure in each shows in all. */
export class Pool {
  readonly #counts = new Uint32Array(256);
  #total = 0;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) this.#counts[byte] = (this.#counts[byte] ?? 0) + 1;
    this.#total += bytes.length;
  }

  get looksRandom(): boolean {
    return countsLookRandom(this.#counts, this.#total);
  }
}

/**
 * Compares each packet with the one before it, byte by byte: if a key stream is used twice, equal plaintext bytes show as
 * equal bytes, above 1 in 256.
 */
export class KeyStreamReuse {
  #previous: Uint8Array = new Uint8Array(0);
  #compared = 0;
  #equal = 0;

  add(bytes: Uint8Array): void {
    const previous = this.#previous;
    const common = Math.min(bytes.length, previous.length);
    for (let i = 0; i < common; i++) if (bytes[i] === previous[i]) this.#equal += 1;
    this.#compared += common;
    this.#previous = bytes.slice();
  }

  get shows(): boolean {
    const mean = this.#compared / 256;
    return this.#equal > mean + REUSE_DEVIATIONS * Math.sqrt(mean) + REUSE_ALLOWANCE;
  }
}

function countsLookRandom(seen: Uint32Array, total: number): boolean {
  if (total === 0) return true;
  let squares = 0;
  for (const n of seen) squares += n * n;
  return (
    (squares * 256) / total - total <= CHI_SQUARE_BOUND && KINDS.every((each) => hasKindAtRandom(seen, total, each))
  );
}

/** Returns whether bytes of a kind are about as frequent as at random, by Chernoff's bound exp(-n D), which holds for any n. */
function hasKindAtRandom(seen: Uint32Array, total: number, { size, table }: (typeof KINDS)[number]): boolean {
  let found = 0;
  for (let byte = 0; byte < 256; byte++) if (table[byte] === 1) found += seen[byte] ?? 0;
  const [share, expected] = [found / total, size / 256];
  if (share <= expected) return true;
  const other = share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - expected));
  const divergence = share * Math.log(share / expected) + other;
  return total * divergence <= KIND_BOUND;
}

function kind(isOfIt: (byte: number) => boolean): { size: number; table: Uint8Array } {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => (isOfIt(byte) ? 1 : 0));
  return { size: table.reduce((sum, each) => sum + each, 0), table };
}
