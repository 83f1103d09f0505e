/** How many consecutive characters of a marker are enough to recognise it. */
export const SHORTEST_PIECE = 16;

/** A way to write a marker that anybody can undo without a key. */
export interface Recoding {
  readonly name: 'plain' | 'reversed' | 'hexadecimal' | 'base64' | 'UTF-16';
  /** True if uppercase and lowercase letters mean the same. */
  readonly caseless: boolean;
  /** How many bytes of it are as good as `SHORTEST_PIECE` characters, wherever in the marker they begin. */
  readonly shortest: number;
  /** How many bytes one character takes in this form. */
  readonly bytesPerCharacter: number;
  /** Returns every byte string that a text may be written as. */
  readonly write: (text: Uint8Array) => Uint8Array[];
}

export const RECODINGS: readonly Recoding[] = [
  { name: 'plain', caseless: true, shortest: SHORTEST_PIECE, bytesPerCharacter: 1, write: (text) => [text] },
  {
    name: 'reversed',
    caseless: true,
    shortest: SHORTEST_PIECE,
    bytesPerCharacter: 1,
    write: (text) => [Uint8Array.from(text).reverse()],
  },
  {
    name: 'hexadecimal',
    caseless: true,
    shortest: 2 * SHORTEST_PIECE,
    bytesPerCharacter: 2,
    write: (text) => cases(text).map((bytes) => Buffer.from(Buffer.from(bytes).toString('hex'))),
  },
  {
    name: 'base64',
    caseless: false,
    // 128 bits are 21 characters of six, of which the first may hold bits of what comes before.
    shortest: 20,
    bytesPerCharacter: 4 / 3,
    write: (text) => cases(text).flatMap((bytes) => [0, 1, 2].flatMap((before) => base64(bytes, before))),
  },
  {
    name: 'UTF-16',
    caseless: true,
    // Either byte order is this string, from its first byte or from its second.
    shortest: 2 * SHORTEST_PIECE - 1,
    bytesPerCharacter: 2,
    write: (text) => [Buffer.from(Buffer.from(text).toString('latin1'), 'utf16le')],
  },
];

/** Says in words what the search for markers finds, and what it does not, for output and documentation. */
export function searchedForms(): { found: string[]; notFound: string[] } {
  return {
    found: [
      `any ${SHORTEST_PIECE} consecutive characters of a marker, in uppercase or lowercase`,
      'the same reversed, in hexadecimal, in base64 (in any alignment, standard or for URLs), and in UTF-16',
      'the same cut over IP fragments, TCP segments, or the datagrams of one UDP, SCTP or ICMP flow, at any byte',
    ],
    notFound: [
      'what was compressed or combined with a key (XOR): it does not look like the marker any more',
      `fewer than ${SHORTEST_PIECE} characters that no neighbouring packet of the same flow continues`,
      'a marker cut over several flows, or recoded in more than one way at once',
    ],
  };
}

/** Returns the text as it is, in lowercase and in uppercase, each once. */
function cases(text: Uint8Array): Uint8Array[] {
  const plain = Buffer.from(text).toString('latin1');
  return [...new Set([plain, plain.toLowerCase(), plain.toUpperCase()])].map((variant) =>
    Buffer.from(variant, 'latin1'),
  );
}

/** Returns the characters that the text alone determines if `before` bytes precede it, in both alphabets if they differ. */
function base64(text: Uint8Array, before: number): Uint8Array[] {
  const bytes = Buffer.concat([Buffer.alloc(before), text]);
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor((bytes.length * 8) / 6);
  const written = [bytes.toString('base64'), bytes.toString('base64url')].map((all) => all.slice(first, last));
  return [...new Set(written)].map((characters) => Buffer.from(characters));
}
