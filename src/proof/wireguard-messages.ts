import { u32le } from '../net/bytes.ts';
import { counterOf, splitSegments } from '../wire/wireguard-segments.ts';

const LENGTH_OF: { readonly [type: number]: number } = { 1: 148, 2: 92, 3: 64 };

const TYPE_DATA = 4;
const HEADER_LENGTH = 16;
const TAG_LENGTH = 16;
const KEEPALIVE_LENGTH = HEADER_LENGTH + TAG_LENGTH;

/** A data packet of one session. `bytes` of the inner packet and its padding; `body` is what has to look random. */
export interface CipherPacket {
  /** The receiver index of WireGuard, the SPI of ESP. */
  readonly session: number;
  readonly counter: number;
  readonly bytes: number;
  readonly body: Uint8Array;
}

/** `sender` is the index that packets back must carry. `message` is the whole of it, for checking mac1. */
export interface Handshake {
  readonly sender: number;
  readonly message: Uint8Array;
}

/** What a UDP payload on WireGuard's ports turned out to be. */
export type WireguardContent =
  | { readonly kind: 'data'; readonly packets: readonly CipherPacket[] }
  | { readonly kind: 'handshake'; readonly handshake: Handshake }
  | { readonly kind: 'cookie' }
  | { readonly kind: 'not WireGuard'; readonly why: string };

/**
 * Reads the payload of a datagram strictly as WireGuard (Linux drivers/net/wireguard/messages.h). `mtu` is that of the
 * sending device: a packet that fills it is padded no further, so its length need not be 32 + 16n (calculate_skb_padding in
 * send.c); null where it is not known. Several data messages in one payload are what a capture sees of segmentation
 * offload, which wireguard-go asks for.
 */
export function readWireguard(payload: Uint8Array, mtu: number | null): WireguardContent {
  const type = u32le(payload, 0);
  if (payload.length < KEEPALIVE_LENGTH) return refuse(`${payload.length} bytes are too few for any message`);
  if ((type & 0xff) < 1 || (type & 0xff) > TYPE_DATA) return refuse(`there is no message type ${type & 0xff}`);
  if (type > TYPE_DATA) return refuse('the reserved bytes are not zero');
  if (type === TYPE_DATA) return readData(payload, mtu);
  if (payload.length !== LENGTH_OF[type]) return refuse(`${payload.length} bytes are not the length of type ${type}`);
  if (type === 3) return { kind: 'cookie' };
  return { kind: 'handshake', handshake: { sender: u32le(payload, 4), message: payload } };
}

function readData(payload: Uint8Array, mtu: number | null): WireguardContent {
  const packets: CipherPacket[] = [];
  for (const message of splitSegments(payload)) {
    const bytes = message.length - KEEPALIVE_LENGTH;
    if (bytes < 0 || (bytes % 16 !== 0 && bytes !== mtu)) return refuse(`${message.length} bytes are not 32 + 16n`);
    const counter = counterOf(message);
    // A key is given up long before 2^60 messages; beyond 2^53 no capture can come.
    if (counter > Number.MAX_SAFE_INTEGER) return refuse('the counter is impossibly high');
    packets.push({ session: u32le(message, 4), counter, bytes, body: message.subarray(HEADER_LENGTH) });
  }
  return { kind: 'data', packets };
}

function refuse(why: string): WireguardContent {
  return { kind: 'not WireGuard', why };
}
