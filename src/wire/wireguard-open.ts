import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto';

/** The encrypted part of a handshake initiation, which only its receiver can read. */
export interface OpenedInitiation {
  /** The sender's own public key. */
  readonly initiator: Uint8Array;
  /** When the sender began, in milliseconds since 1970. */
  readonly time: number;
}

const INITIATION_LENGTH = 148;
const KEY_LENGTH = 32;
const TAG_LENGTH = 16;
const CONSTRUCTION = Buffer.from('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
const IDENTIFIER = Buffer.from('WireGuard v1 zx2c4 Jason@zx2c4.com');
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex');
/** TAI64N begins at 2^62 and counts the leap seconds up to 1970, which were 10. */
const TAI64_EPOCH = 0x400000000000000an;

/** Returns the public key that belongs to a private one of 32 bytes. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return createPublicKey(privateKeyObject(privateKey)).export({ format: 'der', type: 'spki' }).subarray(-KEY_LENGTH);
}

/**
 * Opens a handshake initiation with the private key of its receiver (the paper, §5.4.2). Returns undefined if it was made for another
 * key or was changed: both parts are authenticated. No data that follows can be opened with it, because each handshake makes new keys.
 */
export function openInitiation(message: Uint8Array, receiver: Uint8Array): OpenedInitiation | undefined {
  if (message.length !== INITIATION_LENGTH || message[0] !== 1) return undefined;
  const ephemeral = message.subarray(8, 40);
  const encryptedStatic = message.subarray(40, 88);
  const encryptedTime = message.subarray(88, 116);
  let chain = hash(CONSTRUCTION);
  let transcript = hash(hash(chain, IDENTIFIER), publicKeyOf(receiver));
  [chain] = derive(chain, ephemeral);
  transcript = hash(transcript, ephemeral);
  try {
    const [afterEphemeral, staticKey] = derive(chain, agree(receiver, ephemeral));
    const initiator = open(staticKey, encryptedStatic, transcript);
    transcript = hash(transcript, encryptedStatic);
    const [, timeKey] = derive(afterEphemeral, agree(receiver, initiator));
    return { initiator, time: timeOf(open(timeKey, encryptedTime, transcript)) };
  } catch {
    // The tag does not fit, or the point is invalid.
    return undefined;
  }
}

function hash(...parts: readonly Uint8Array[]): Buffer {
  return createHash('blake2s256').update(Buffer.concat(parts)).digest();
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  return createHmac('blake2s256', key).update(Buffer.concat(parts)).digest();
}

function derive(chain: Uint8Array, input: Uint8Array): [Buffer, Buffer] {
  const secret = hmac(chain, input);
  const first = hmac(secret, Buffer.from([1]));
  return [first, hmac(secret, first, Buffer.from([2]))];
}

function privateKeyObject(key: Uint8Array) {
  return createPrivateKey({ key: Buffer.concat([PKCS8_X25519, key]), format: 'der', type: 'pkcs8' });
}

function agree(privateKey: Uint8Array, publicKey: Uint8Array): Buffer {
  const peer = createPublicKey({ key: Buffer.concat([SPKI_X25519, publicKey]), format: 'der', type: 'spki' });
  return diffieHellman({ privateKey: privateKeyObject(privateKey), publicKey: peer });
}

function open(key: Uint8Array, sealed: Uint8Array, authenticated: Uint8Array): Buffer {
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: TAG_LENGTH });
  const length = sealed.length - TAG_LENGTH;
  decipher.setAAD(authenticated, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  return Buffer.concat([decipher.update(sealed.subarray(0, length)), decipher.final()]);
}

function timeOf(tai64n: Buffer): number {
  return Number(tai64n.readBigUInt64BE(0) - TAI64_EPOCH) * 1000 + tai64n.readUInt32BE(8) / 1e6;
}
