import { createDecipheriv } from 'node:crypto';
import { u8, u32 } from '../net/bytes.ts';

/** The key of one direction of a security association that uses AES-GCM (RFC 4106). */
export interface EspKey {
  /** The AES key of 16, 24 or 32 bytes, and 4 bytes of salt. */
  readonly material: Uint8Array;
  /** Bytes of the integrity check value at the end of each packet. */
  readonly icvLength: 8 | 12 | 16;
  /** Sequence numbers have 64 bits, of which the upper 32 are authenticated but not sent (RFC 4303 §2.2.1). */
  readonly extendedSequence: boolean;
}

export interface OpenedEsp {
  /** The packet that was carried, without padding. */
  readonly inner: Uint8Array;
  /** The protocol of `inner`: 4 for IPv4, 41 for IPv6. */
  readonly nextHeader: number;
}

/** SPI and sequence number. */
const HEADER = 8;
export const ESP_IV_LENGTH = 8;
const SALT = 4;
/** Pad length and next header. */
const TRAILER = 2;

/**
 * Decrypts an ESP packet, from its SPI to the end of its integrity check value. Returns undefined if the value does not fit the key;
 * for a packet made with another key, for another direction, or changed in one bit, it fits with a chance of 2^-128.
 */
export function openEsp(esp: Uint8Array, key: EspKey, sequenceHigh = 0): OpenedEsp | undefined {
  const cipherLength = esp.length - HEADER - ESP_IV_LENGTH - key.icvLength;
  const keyLength = key.material.length - SALT;
  if (cipherLength < TRAILER || ![16, 24, 32].includes(keyLength)) return undefined;
  const start = HEADER + ESP_IV_LENGTH;
  const nonce = Buffer.concat([key.material.subarray(keyLength), esp.subarray(HEADER, start)]);
  const algorithm = `aes-${(keyLength * 8) as 128 | 192 | 256}-gcm` as const;
  const decipher = createDecipheriv(algorithm, key.material.subarray(0, keyLength), nonce, {
    authTagLength: key.icvLength,
  });
  decipher.setAAD(authenticatedHeader(esp, key, sequenceHigh));
  decipher.setAuthTag(esp.subarray(start + cipherLength));
  const plain = decipher.update(esp.subarray(start, start + cipherLength));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return withoutTrailer(plain);
}

/** Returns SPI and sequence number as they are authenticated: with the upper half of an extended sequence number between them. */
function authenticatedHeader(esp: Uint8Array, { extendedSequence }: EspKey, sequenceHigh: number): Uint8Array {
  if (!extendedSequence) return esp.subarray(0, HEADER);
  const header = Buffer.alloc(HEADER + 4);
  header.writeUInt32BE(u32(esp, 0), 0);
  header.writeUInt32BE(sequenceHigh, 4);
  header.writeUInt32BE(u32(esp, 4), 8);
  return header;
}

function withoutTrailer(plain: Uint8Array): OpenedEsp | undefined {
  const padLength = u8(plain, plain.length - TRAILER);
  const innerLength = plain.length - TRAILER - padLength;
  if (innerLength < 0) return undefined;
  return { inner: plain.subarray(0, innerLength), nextHeader: u8(plain, plain.length - 1) };
}
