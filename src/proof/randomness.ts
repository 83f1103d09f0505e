/**
 * Chi-square of 256 byte values above which bytes are called structured. For random bytes it has mean 255 and standard deviation
 * 22.6, whatever their number; 512 is more than eight deviations away also in the skewed tail (Wilson-Hilferty: z = 8 lies at 481;
 * for less than 100 bytes, the count of equal pairs that it needs, as a Poisson number, comes to the same). So one honest test fails
 * with less than 1 in 10^13: 10,000 runs of 10,000 packets fail once in 100,000. Hexadecimal text reaches it at 60 bytes, base64 at 130.
 */
const CHI_SQUARE_BOUND = 512;

/** How far the number of equal bytes may lie above its mean: in deviations, and in bytes where the mean is small. */
const REUSE_DEVIATIONS = 10;
const REUSE_ALLOWANCE = 20;

const counts = new Uint32Array(256);

/** Whether bytes could be ciphertext. Compressed data could be too: this can only refute. */
export function looksRandom(bytes: Uint8Array): boolean {
  counts.fill(0);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  return countsLookRandom(counts, bytes.length);
}

/**
 * The bytes of one session pooled, so that little structure in each packet shows in many; and each packet against the one
 * before it, byte by byte: where a key stream is used twice, equal plaintext bytes show as equal bytes, above 1 in 256.
 */
export class PooledRandomness {
  readonly #counts = new Uint32Array(256);
  #total = 0;
  #previous: Uint8Array = new Uint8Array(0);
  #compared = 0;
  #equal = 0;

  add(bytes: Uint8Array): void {
    const previous = this.#previous;
    const common = Math.min(bytes.length, previous.length);
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      this.#counts[byte] = (this.#counts[byte] ?? 0) + 1;
      if (i < common && byte === previous[i]) this.#equal += 1;
    }
    this.#total += bytes.length;
    this.#compared += common;
    this.#previous = bytes.slice();
  }

  get looksRandom(): boolean {
    const mean = this.#compared / 256;
    const reused = this.#equal > mean + REUSE_DEVIATIONS * Math.sqrt(mean) + REUSE_ALLOWANCE;
    return !reused && countsLookRandom(this.#counts, this.#total);
  }
}

function countsLookRandom(seen: Uint32Array, total: number): boolean {
  if (total === 0) return true;
  let squares = 0;
  for (const n of seen) squares += n * n;
  return (squares * 256) / total - total <= CHI_SQUARE_BOUND;
}
