/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Pieces that have broken parsers before, or that mean something to ours. */
const PIECES = [
  ...[
    '',
    '\0',
    '\n',
    '\r\n',
    '\t',
    '"',
    "'",
    '`',
    '```',
    '---\n',
    '...\n',
    '- ',
    ': ',
    '? ',
    '&a ',
    '*a ',
    '!!binary ',
    '<<: ',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    '[[[[[[[[',
    '{a: {a: {a: ',
    '# ',
    '|\n',
    '>\n',
    '%YAML 1.1\n',
    '\ufeff',
    '\u2028',
    '\ud800',
    '\u202e',
  ],
  ...[
    '__proto__',
    'constructor',
    '-1',
    '0',
    '1e999',
    '.nan',
    '0x',
    '9007199254740993',
    'true',
    'null',
    '~',
    'y',
    '\u001b[2J',
  ],
  ...[
    '\xff\xff\xff\xff',
    '\x00\x00\x00\x00',
    '\x7f\xff\xff\xff',
    '\x80\x00\x00\x00',
    '\x0a\x0d\x0d\x0a',
    '\xd4\xc3\xb2\xa1',
  ],
].map((text) => Buffer.from(text, 'latin1'));

/** Changes bytes in a few places, as chance has it: flips, cuts, repeats, swaps, and puts pieces in. */
export function mutate(input: Buffer, others: readonly Buffer[], random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  let bytes = Buffer.from(input);
  for (let changes = 1 + below(6); changes > 0; changes -= 1) {
    const at = below(bytes.length + 1);
    const length = Math.min(bytes.length - at, 1 + below(random() < 0.2 ? 400 : 12));
    const [before, piece, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    const other = pick(others);
    const from = below(other.length + 1);
    const made = [
      () => Buffer.concat([before, after]),
      () => before,
      () => Buffer.concat([before, Buffer.from(piece.map((byte) => byte ^ (1 << below(8)))), after]),
      () => Buffer.concat([before, Buffer.from(piece.map(() => below(256))), after]),
      () => Buffer.concat([before, ...Array.from({ length: 1 + below(random() < 0.1 ? 300 : 4) }, () => piece), after]),
      () => Buffer.concat([before, pick(PIECES), piece, after]),
      () => Buffer.concat([before, pick(PIECES), after]),
      () => Buffer.concat([before, other.subarray(from, from + 1 + below(200)), after]),
    ];
    bytes = pick(made)();
    if (bytes.length > 1 << 20) bytes = bytes.subarray(0, 1 << 20);
  }
  return bytes;
}
