import { u32le } from '../net/bytes.ts';
import { counterOf, splitSegments } from '../wire/wireguard-segments.ts';

const LENGTH_OF: { readonly [type: number]: number } = { 1: 148, 2: 92, 3: 64 };

const TYPE_DATA = 4;
const HEADER_LENGTH = 16;
const TAG_LENGTH = 16;
const KEEPALIVE_LENGTH = HEADER_LENGTH + TAG_LENGTH;

/** A data packet of one session. */
export interface CipherPacket {
  /** The receiver index of WireGuard, the SPI of ESP. */
  readonly session: number;
  readonly counter: number;
  /** The length of the inner packet and its padding. */
  readonly bytes: number;
  /** The part that has to look random. */
  readonly body: Uint8Array;
}

export interface Handshake {
  /** The index that packets back must carry. */
  readonly sender: number;
  /** The whole message, for checking mac1; and its parts that have to look random. */
  readonly message: Uint8Array;
  readonly body: Uint8Array;
  /** True if it carries a mac2, which only a cookie makes possible. */
  readonly hasMac2: boolean;
}

export interface Cookie {
  /** The index of the handshake that it answers. */
  readonly receiver: number;
  readonly body: Uint8Array;
}

/** The content of a UDP payload on WireGuard's ports. */
export type WireguardContent =
  | { readonly kind: 'data'; readonly packets: readonly CipherPacket[] }
  | { readonly kind: 'handshake'; readonly handshake: Handshake }
  | { readonly kind: 'cookie'; readonly cookie: Cookie }
  | { readonly kind: 'not WireGuard'; readonly why: string };

/**
 * Reads the payload of a datagram strictly as WireGuard (Linux drivers/net/wireguard/messages.h). `mtu` is that of the
 * sending device, or null if it is not known: a packet that fills it gets no more padding, so its length need not be 32 + 16n
 * (calculate_skb_padding in send.c). Several data messages in one payload are segmentation offload, which wireguard-go asks for.
 */
export function readWireguard(payload: Uint8Array, mtu: number | null): WireguardContent {
  const type = u32le(payload, 0);
  if (payload.length < KEEPALIVE_LENGTH) return refuse('too short for any message');
  if ((type & 0xff) < 1 || (type & 0xff) > TYPE_DATA) return refuse('there is no such type of message');
  if (type > TYPE_DATA) return refuse('the reserved bytes are not zero');
  if (type === TYPE_DATA) return readData(payload, mtu);
  if (payload.length !== LENGTH_OF[type]) return refuse('the length is not that of its type');
  if (type === 3) return { kind: 'cookie', cookie: { receiver: u32le(payload, 4), body: payload.subarray(8) } };
  const macs = payload.length - 2 * TAG_LENGTH;
  const handshake = {
    sender: u32le(payload, 4),
    message: payload,
    body: payload.subarray(type === 1 ? 8 : 12, macs),
    hasMac2: payload.subarray(payload.length - TAG_LENGTH).some((byte) => byte !== 0),
  };
  return { kind: 'handshake', handshake };
}

function readData(payload: Uint8Array, mtu: number | null): WireguardContent {
  const packets: CipherPacket[] = [];
  for (const message of splitSegments(payload)) {
    const bytes = message.length - KEEPALIVE_LENGTH;
    if (bytes < 0 || (bytes % 16 !== 0 && bytes !== mtu)) return refuse('the length is not 32 + 16n');
    const counter = counterOf(message);
    // A key is given up long before 2^60 messages; beyond 2^53 no capture can come.
    if (counter > Number.MAX_SAFE_INTEGER) return refuse('the counter is impossibly high');
    packets.push({
      session: u32le(message, 4),
      counter,
      bytes,
      body: message.subarray(HEADER_LENGTH),
    });
  }
  return { kind: 'data', packets };
}

function refuse(why: string): WireguardContent {
  return { kind: 'not WireGuard', why };
}
