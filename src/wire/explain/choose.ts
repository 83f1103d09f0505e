import { decodeFrame, decodeIpPacket } from '../decode.ts';
import { type EspKeys, tryEspKeys } from '../esp-keys.ts';
import { type Frame, outerIp, type Packet } from '../packet.ts';
import { splitSegments } from '../wireguard-segments.ts';
import type { Session } from './explained.ts';
import { hasReadablePayload, readableLines } from './payload.ts';

/** Kinds of packets that can be asked for by name. */
export const PACKET_KINDS = ['secret', 'readable', 'data', 'handshake', 'response'] as const;

export type PacketKind = (typeof PACKET_KINDS)[number];

/** A packet by its number in the capture, counted from 1, or the first of a kind; undefined for the one that shows most. */
export type Wanted = number | PacketKind | undefined;

export interface Chosen {
  readonly frame: Frame;
  /** Counted from 1, as Wireshark and `tcpdump -#` do. */
  readonly number: number;
  readonly why: string;
}

/** The reasons to show a packet, the best first. One of several messages in a packet (offload) shows as much, but is long to read. */
const TELLING: readonly { words: string; enough?: true; is(seen: Seen): boolean }[] = [
  { words: 'it carries a secret in clear', enough: true, is: ({ kinds, inTunnel }) => kinds.has('secret') && inTunnel },
  { words: 'it carries a secret in clear', enough: true, is: ({ kinds }) => kinds.has('secret') },
  { words: 'the Secret opens it, and it carries a secret', enough: true, is: ({ opened }) => opened === 'secret' },
  { words: 'the Secret opens it, and pods talk in it', is: ({ opened }) => opened === 'readable' },
  { words: 'pods talk in clear in it', is: ({ kinds, inTunnel }) => kinds.has('readable') && inTunnel },
  {
    words: 'it carries encrypted data',
    enough: true,
    is: ({ kinds, encrypted, single }) => kinds.has('data') && single && encrypted >= MORE_THAN_HEADERS,
  },
  { words: 'it carries encrypted data', is: ({ kinds }) => kinds.has('data') },
  { words: 'it begins a session', is: ({ kinds }) => kinds.has('handshake') },
  { words: 'it answers a handshake', is: ({ kinds }) => kinds.has('response') },
  { words: 'it is encrypted', is: ({ packet }) => packet.layers.some(({ kind }) => kind === 'esp') },
  { words: 'it can be read', is: ({ kinds }) => kinds.has('readable') },
  { words: 'it goes through a tunnel', is: ({ inTunnel }) => inTunnel },
  { words: 'it carries data', is: ({ packet }) => packet.payload.length > 0 && packet.ending === 'complete' },
  { words: 'no other tells more', is: () => true },
];

/** Up to this place in the list a packet is worth showing, though a better one may come soon. */
const PROMISING = 6;

/** A TCP segment without data is 52 to 60 bytes, padded to 64: what is longer carries something. */
const MORE_THAN_HEADERS = 80;

/** Looks through a capture, frame by frame, for the packet to explain, and remembers who announced which session. */
export class Chooser {
  readonly sessions = new Map<number, Session>();
  readonly #wanted: Wanted;
  readonly #espKeys: EspKeys | undefined;
  #seen = 0;
  #best: { frame: Frame; number: number; rank: number } | undefined;
  /** How many packets show as much as the chosen one, itself included. */
  #equals = 0;

  constructor(wanted?: Wanted, espKeys?: EspKeys) {
    this.#wanted = wanted;
    this.#espKeys = espKeys;
  }

  /** Returns how many packets were read. */
  get seen(): number {
    return this.#seen;
  }

  /** Returns whether the packet to explain was found, so that the capture need not go on. */
  get found(): boolean {
    return this.#best !== undefined && (this.#wanted !== undefined || TELLING[this.#best.rank]?.enough === true);
  }

  /** Returns whether a packet worth showing was found, though a better one may come soon. */
  get promising(): boolean {
    return this.#best !== undefined && this.#best.rank <= PROMISING;
  }

  look(frame: Frame): void {
    this.#seen += 1;
    const seen = see(frame, this.#espKeys);
    const address = outerIp(seen.packet)?.source;
    for (const layer of seen.packet.layers) {
      if (layer.kind !== 'wireguard' || !('sender' in layer) || address === undefined) continue;
      this.sessions.set(layer.sender, { address, packet: this.#seen });
    }
    if (this.#wanted === undefined)
      this.#compare(
        frame,
        TELLING.findIndex(({ is }) => is(seen)),
      );
    else if (this.#best === undefined && this.#isWanted(seen)) this.#keep(frame, 0);
  }

  /** Returns the packet to explain; undefined if there is none. */
  get chosen(): Chosen | undefined {
    if (!this.#best) return undefined;
    const { frame, number, rank } = this.#best;
    if (this.#wanted !== undefined) {
      return { frame, number, why: typeof this.#wanted === 'number' ? '' : `the first of the kind "${this.#wanted}"` };
    }
    const others = this.#equals - 1;
    const more = others > 0 ? `, as ${others === 1 ? 'one other does' : `${others} others do`}` : '';
    return { frame, number, why: `of ${this.#seen} packets this one, for ${TELLING[rank]?.words}${more}` };
  }

  #isWanted({ kinds }: Seen): boolean {
    return typeof this.#wanted === 'number'
      ? this.#seen === this.#wanted
      : this.#wanted !== undefined && kinds.has(this.#wanted);
  }

  #compare(frame: Frame, rank: number): void {
    if (this.#best && rank > this.#best.rank) return;
    if (this.#best && rank === this.#best.rank) {
      this.#equals += 1;
      return;
    }
    this.#keep(frame, rank);
    this.#equals = 1;
  }

  /** Keeps a copy, since the frame is a view of a chunk of the file. */
  #keep(frame: Frame, rank: number): void {
    this.#best = { frame: { ...frame, bytes: frame.bytes.slice() }, number: this.#seen, rank };
  }
}

interface Seen {
  readonly packet: Packet;
  readonly kinds: ReadonlySet<PacketKind>;
  readonly inTunnel: boolean;
  /** Bytes of ciphertext. */
  readonly encrypted: number;
  /** True if the packet holds one message, not several of segmentation offload. */
  readonly single: boolean;
  /** The content of ESP that a key opens. */
  readonly opened?: 'secret' | 'readable';
}

function see(frame: Frame, espKeys: EspKeys | undefined): Seen {
  const packet = decodeFrame(frame);
  const opened = espKeys && whatIsOpened(packet, espKeys);
  return { ...seePacket(packet), ...(opened ? { opened } : {}) };
}

function whatIsOpened(packet: Packet, keys: EspKeys): Seen['opened'] {
  const last = packet.layers.at(-1);
  if (last?.kind !== 'esp') return undefined;
  const verdict = tryEspKeys(packet, last, keys);
  if (verdict.fits !== 'key') return undefined;
  const { kinds } = seePacket(decodeIpPacket(verdict.opened.inner));
  if (kinds.has('secret')) return 'secret';
  return kinds.has('readable') ? 'readable' : undefined;
}

function seePacket(packet: Packet): Seen {
  const { layers, payload, bytes } = packet;
  const inTunnel = layers.some(({ kind }) => kind === 'vxlan' || kind === 'geneve');
  const last = layers.at(-1);
  const kinds = new Set<PacketKind>();
  if (last?.kind !== 'wireguard') {
    if (hasReadablePayload(packet)) {
      kinds.add('readable');
      const lines = readableLines(bytes.subarray(payload.offset, payload.offset + payload.length));
      if (lines.some(({ secrets }) => secrets.length > 0)) kinds.add('secret');
    }
    return { packet, kinds, inTunnel, encrypted: 0, single: true };
  }
  if (last.message === 'initiation') kinds.add('handshake');
  if (last.message === 'response') kinds.add('response');
  if (last.message !== 'data') return { packet, kinds, inTunnel, encrypted: 0, single: true };
  if (!last.keepalive) kinds.add('data');
  const single = splitSegments(bytes.subarray(last.offset, payload.offset + payload.length)).length === 1;
  return { packet, kinds, inTunnel, encrypted: last.messageLength - 32, single };
}
