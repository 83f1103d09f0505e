import { blake2s } from '@noble/hashes/blake2.js';
import { u8, u32, u32le } from '../net/bytes.ts';
import { type Cursor, endWithData } from './cursor.ts';
import type {
  WireguardCookie,
  WireguardData,
  WireguardInitiation,
  WireguardLayer,
  WireguardResponse,
} from './packet.ts';

// Types and lengths of Linux drivers/net/wireguard/messages.h; all numbers are little-endian.
const INITIATION = 1;
const RESPONSE = 2;
const COOKIE = 3;
const DATA = 4;
const INITIATION_LENGTH = 148;
const RESPONSE_LENGTH = 92;
const COOKIE_LENGTH = 64;
const DATA_HEADER = 16;

const HEADER_LENGTHS: { readonly [type: number]: number } = {
  [INITIATION]: INITIATION_LENGTH,
  [RESPONSE]: RESPONSE_LENGTH,
  [COOKIE]: COOKIE_LENGTH,
};

/** A data message that holds nothing: header and tag. */
const KEEPALIVE_LENGTH = 32;

const MAC_LENGTH = 16;
const LABEL_MAC1 = new TextEncoder().encode('mac1----');

/**
 * Returns whether a UDP payload has the structure of a WireGuard message, on any port: type, reserved bytes, length. `declared`
 * is its length on the wire, if the capture has only the bytes before `end`.
 */
export function isWireguard(bytes: Uint8Array, offset: number, end: number, declared: number): boolean {
  const captured = end - offset;
  if (captured < DATA_HEADER) return false;
  switch (u32(bytes, offset)) {
    case INITIATION << 24:
      return declared === INITIATION_LENGTH && captured === declared;
    case RESPONSE << 24:
      return declared === RESPONSE_LENGTH && captured === declared;
    case COOKIE << 24:
      return declared === COOKIE_LENGTH && captured === declared;
    case DATA << 24:
      return declared >= KEEPALIVE_LENGTH;
    default:
      return false;
  }
}

/** Reads a message that `isWireguard`: all of it, or of data the header alone. */
export function readWireguard(cursor: Cursor): number {
  return endWithData(cursor, HEADER_LENGTHS[u8(cursor.bytes, cursor.offset)] ?? DATA_HEADER);
}

export function wireguardLayer({ bytes, offset, declared }: Cursor): WireguardLayer {
  return readMessage(bytes, offset, declared);
}

/**
 * Returns whether an initiation or response was made for the node with this public key: its mac1 is a hash over the message, keyed
 * with the receiver's public key (WireGuard paper §5.4.4). Nobody can make one fit by chance, and it needs no secret to check.
 */
export function mac1Fits(message: Uint8Array, receiverPublicKey: Uint8Array): boolean {
  if (receiverPublicKey.length !== 32) return false;
  if (message.length !== INITIATION_LENGTH && message.length !== RESPONSE_LENGTH) return false;
  const start = message.length - 2 * MAC_LENGTH;
  const key = blake2s.create().update(LABEL_MAC1).update(receiverPublicKey).digest();
  const mac = blake2s(message.subarray(0, start), { key, dkLen: MAC_LENGTH });
  return mac.every((byte, i) => byte === message[start + i]);
}

function readMessage(bytes: Uint8Array, offset: number, messageLength: number): WireguardLayer {
  switch (u8(bytes, offset)) {
    case INITIATION:
      return readInitiation(bytes, offset, messageLength);
    case RESPONSE:
      return readResponse(bytes, offset, messageLength);
    case COOKIE:
      return readCookie(bytes, offset, messageLength);
    default:
      return readData(bytes, offset, messageLength);
  }
}

function readInitiation(bytes: Uint8Array, offset: number, messageLength: number): WireguardInitiation {
  return {
    kind: 'wireguard',
    message: 'initiation',
    offset,
    length: INITIATION_LENGTH,
    messageLength,
    sender: u32le(bytes, offset + 4),
    ephemeral: part(bytes, offset + 8, 32),
    mac1: part(bytes, offset + 116, MAC_LENGTH),
    mac2: part(bytes, offset + 132, MAC_LENGTH),
  };
}

function readResponse(bytes: Uint8Array, offset: number, messageLength: number): WireguardResponse {
  return {
    kind: 'wireguard',
    message: 'response',
    offset,
    length: RESPONSE_LENGTH,
    messageLength,
    sender: u32le(bytes, offset + 4),
    receiver: u32le(bytes, offset + 8),
    ephemeral: part(bytes, offset + 12, 32),
    mac1: part(bytes, offset + 60, MAC_LENGTH),
    mac2: part(bytes, offset + 76, MAC_LENGTH),
  };
}

function readCookie(bytes: Uint8Array, offset: number, messageLength: number): WireguardCookie {
  return {
    kind: 'wireguard',
    message: 'cookie',
    offset,
    length: COOKIE_LENGTH,
    messageLength,
    receiver: u32le(bytes, offset + 4),
    nonce: part(bytes, offset + 8, 24),
  };
}

function readData(bytes: Uint8Array, offset: number, messageLength: number): WireguardData {
  const high = u32le(bytes, offset + 12);
  const low = u32le(bytes, offset + 8);
  return {
    kind: 'wireguard',
    message: 'data',
    offset,
    length: DATA_HEADER,
    messageLength,
    receiver: u32le(bytes, offset + 4),
    // A counter that nears 32 bits is rare, and arithmetic with bigints slow.
    counter: high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low),
    keepalive: messageLength === KEEPALIVE_LENGTH,
    aligned: messageLength % 16 === 0,
  };
}

function part(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return bytes.subarray(offset, offset + length);
}
