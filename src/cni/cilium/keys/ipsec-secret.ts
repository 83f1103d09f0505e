/** The highest key id: it has four bits of the packet's mark (pkg/datapath/linux/linux_defaults). */
export const MAX_KEY_ID = 15;

/** One generation of Cilium's IPsec key: the secret that the keys of all pairs of nodes are derived from. */
export interface IpsecKey {
  /** 1 to 15; the SPI of every packet encrypted with it. */
  readonly id: number;
  /** Written `3+`: needed by 1.15 and 1.16 to derive keys, ignored and always kept since 1.17. */
  readonly plus: boolean;
  /** As the kernel names it: `rfc4106(gcm(aes))`. */
  readonly algorithm: string;
  readonly psk: Uint8Array;
  /** Bits of the integrity check value (not, as some tutorials say, of the key or the block). */
  readonly icvBits: number;
}

/** The text of a Secret is wrong: the line, counted from 1, and what Cilium's agent says to it. */
export class IpsecSecretError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.name = 'IpsecSecretError';
    this.line = line;
  }
}

/** The lengths that the kernel takes for AES-GCM: AES-128, AES-192 and AES-256, each with 4 bytes of salt. */
const GCM_LENGTHS = [20, 28, 36];

/**
 * Reads the key in the text of Cilium's Secret, as the agent's LoadIPSecKeys does: one key a line, and the last line counts. Throws
 * IpsecSecretError, with the agent's own words if it has any.
 */
export function parseIpsecSecret(text: string): IpsecKey {
  let key: IpsecKey | undefined;
  const lines = text.replace(/\n$/, '').split('\n');
  for (const [i, line] of lines.entries()) {
    const next = parseLine(line.replace(/\r$/, ''), i + 1);
    if (next.id === key?.id) {
      throw new IpsecSecretError(i + 1, 'invalid SPI: changing IPSec keys requires incrementing the key id');
    }
    key = next;
  }
  if (!key) throw new IpsecSecretError(1, 'missing IPSec key or invalid format');
  return key;
}

function parseLine(line: string, number: number): IpsecKey {
  const fail = (message: string) => new IpsecSecretError(number, message);
  const fields = line.split(' ');
  if (fields.length < 3) throw fail('missing IPSec key or invalid format');
  const [idText = '', algorithm = '', hex = '', icvText = ''] = fields;
  const id = keyId(idText, fail);
  if (fields.length > 6) throw fail('invalid format: too many fields in the IPsec secret');
  if (fields.length !== 4) {
    throw fail(
      `${algorithm} is not an AEAD algorithm: Cilium takes such a key, but wglab opens and makes only rfc4106(gcm(aes))`,
    );
  }
  if (!algorithm.startsWith('rfc')) throw fail(`invalid AEAD algorithm "${algorithm}"`);
  const digits = hex.replace(/^0x/, '');
  // The agent prints the key here; it is a secret, so this does not.
  if (!/^([0-9a-f]{2})+$/i.test(digits)) throw fail('unable to decode AEAD key string: it is not hexadecimal');
  if (!/^[+-]?\d+$/.test(icvText)) throw fail('ICV length is invalid or missing');
  const icvBits = Number(icvText);
  if (![96, 128, 256].includes(icvBits)) throw fail('only ICV lengths 96, 128, and 256 are accepted');
  const psk = Buffer.from(digits, 'hex');
  refuseWhatTheKernelRefuses(algorithm, psk.length, icvBits, fail);
  return { id, plus: idText.endsWith('+'), algorithm, psk, icvBits };
}

function keyId(text: string, fail: (message: string) => Error): number {
  const digits = text.replace(/\+$/, '');
  const attempted = `ID must be nonzero and less than ${MAX_KEY_ID + 1}. Attempted "${digits}"`;
  if (!/^[+-]?\d{1,18}$/.test(digits)) {
    throw fail(
      `failed to parse SPI: the first argument of the IPsec secret is not a number. Attempted "${idForError(digits)}"`,
    );
  }
  const id = Number(digits);
  if (id > MAX_KEY_ID) throw fail(`failed to parse SPI: encryption key space exhausted. ${attempted}`);
  if (id <= 0) throw fail(`failed to parse SPI: zero is not a valid key ID. ${attempted}`);
  return id;
}

/** The first field is no key id; it may be the key itself, if the id was forgotten, and is then not repeated. */
function idForError(digits: string): string {
  return digits.length > 6 ? '…' : digits;
}

/** The agent takes these, and fails when it adds the first state. */
function refuseWhatTheKernelRefuses(
  algorithm: string,
  length: number,
  icvBits: number,
  fail: (message: string) => Error,
): void {
  const kernel = 'Cilium accepts this and the kernel then refuses the state (invalid argument)';
  if (algorithm !== 'rfc4106(gcm(aes))') throw fail(`unknown AEAD algorithm "${algorithm}": ${kernel}`);
  if (!GCM_LENGTHS.includes(length)) {
    throw fail(`a key of ${length} bytes: ${algorithm} takes ${GCM_LENGTHS.join(', ')} (AES key and salt). ${kernel}`);
  }
  if (icvBits > 128) throw fail(`an ICV of ${icvBits} bits: ${algorithm} has at most 128. ${kernel}`);
}
