import { u32 } from '../net/bytes.ts';
import { bytesOf, type EspLayer, type IpLayer, type Layer, type Packet, type UdpLayer } from '../wire/packet.ts';
import { mac1Fits } from '../wire/wireguard.ts';
import type { Account, LedgerClass, Pending } from './accounts.ts';
import { CiphertextStream, type Judged, type SessionSeen } from './ciphertext.ts';
import { describePacket } from './describe.ts';
import type { Evidence } from './evidence.ts';
import { hexLines } from './excerpt.ts';
import { Pool } from './randomness.ts';
import type { NodeRecord } from './record.ts';
import { type Cookie, type Handshake, readWireguard } from './wireguard-messages.ts';

/** SPI and sequence number; the IV that follows counts up in some ciphers; the tag. */
const ESP_HEADER = 8;
const ESP_IV = 8;
const ESP_TAG = 16;

/** A packet this long makes a good picture of ciphertext. */
const GOOD_SAMPLE = 256;

/** Handshakes of one node with another that are remembered by their index; there is one in two minutes. */
const MAX_HANDSHAKES = 4096;

/** What one node sent to another under the encryption, in the outermost header. */
export interface TowardsSeen {
  readonly control: { readonly open: boolean; readonly close: boolean };
  readonly wireguard: readonly SessionSeen[];
  readonly esp: readonly SessionSeen[];
  /** The indexes that packets back must carry, as those handshakes announce whose mac1 fits the receiver's published key. */
  readonly announced: ReadonlySet<number>;
  /** Whether what its handshakes and cookies have to hide looks like ciphertext, taken together. */
  readonly handshakesRandom: boolean;
  readonly sentCookies: boolean;
  readonly sample: Evidence | undefined;
}

/** A packet from one node to another, as their taps capture it. */
export interface NodePacket {
  readonly packet: Packet;
  readonly ip: IpLayer;
  readonly next: Layer | undefined;
  /** Its number in the capture, from 1. */
  readonly frame: number;
}

/** Reads what one node sends to another under the encryption, packet by packet. */
export class Towards {
  readonly #control = { open: false, close: false };
  readonly #from: NodeRecord;
  readonly #to: string;
  readonly #peer: NodeRecord | undefined;
  readonly #key: Uint8Array | undefined;
  readonly #wireguard = new CiphertextStream();
  readonly #esp = new CiphertextStream();
  readonly #announced = new Set<number>();
  readonly #hidden = new Pool();
  #sentCookies = false;
  #sample: { bytes: number; evidence: Evidence } | undefined;

  /** `peer` is undefined if nothing is known of the receiver but its name. */
  constructor(from: NodeRecord, to: string, peer: NodeRecord | undefined) {
    this.#from = from;
    this.#to = to;
    this.#peer = peer;
    const key = peer?.wireguard?.publicKey;
    this.#key = key ? Buffer.from(key, 'base64') : undefined;
  }

  /** A control packet went by. */
  control(which: 'open' | 'close'): void {
    if (which === 'open') {
      this.#control.open = true;
      this.#wireguard.open();
      this.#esp.open();
    } else if (this.#control.open) {
      // A close without an open before it says nothing about the time between.
      this.#control.close = true;
      this.#wireguard.close();
      this.#esp.close();
    }
  }

  /** Returns the account of a packet on the ports of WireGuard, undefined if it is on neither. */
  wireguard(seen: NodePacket, udp: UdpLayer): Account | undefined {
    const [mine, theirs] = [this.#from.wireguard?.listenPort, this.#theirPort];
    const [fromMine, toTheirs] = [udp.sourcePort === mine, udp.destinationPort === theirs];
    if (!fromMine && !toTheirs) return undefined;
    const port = fromMine ? udp.sourcePort : udp.destinationPort;
    if (!fromMine || !toTheirs) return this.#account('unexplained', "WireGuard's port at one end only", 'udp', port);
    const payload = udpPayload(seen.packet.bytes, udp);
    const content = readWireguard(payload, this.#from.wireguard?.mtu ?? null);
    switch (content.kind) {
      case 'not WireGuard':
        return this.#account('unexplained', `on WireGuard's port, but not WireGuard: ${content.why}`, 'udp', port);
      case 'handshake':
        return this.#handshake(content.handshake, port);
      case 'cookie':
        return this.#cookie(content.cookie, port);
      case 'data':
        return this.#data(seen, payload, content.packets, port);
    }
  }

  /** Returns the account of an ESP packet of the CNI's. */
  esp(seen: NodePacket, { offset, inUdp }: EspLayer, port: number | null): Account {
    const { packet } = seen;
    const [protocol, at] = inUdp ? (['udp', port] as const) : (['esp', null] as const);
    const payload = bytesOf(packet, packet.payload);
    const body = payload.subarray(ESP_IV);
    const bytes = body.length - ESP_TAG;
    if (bytes <= 0) return this.#account('unexplained', 'ESP that is too short', protocol, at);
    const session = u32(packet.bytes, offset);
    const counter = u32(packet.bytes, offset + 4);
    const judged = this.#esp.add({ session, counter, bytes, body, length: ESP_HEADER + payload.length });
    if (judged !== 'data') return this.#account('unexplained', `ESP: ${REFUSALS[judged]}`, protocol, at);
    this.#keepSample(seen, packet.bytes.subarray(offset + ESP_HEADER), bytes);
    return { ...this.#account('ciphertext', 'ESP', protocol, at, { kind: 'esp', session }), data: true };
  }

  seen(): TowardsSeen {
    return {
      control: this.#control,
      wireguard: this.#wireguard.seen(),
      esp: this.#esp.seen(),
      announced: this.#announced,
      handshakesRandom: this.#hidden.looksRandom,
      sentCookies: this.#sentCookies,
      sample: this.#sample?.evidence,
    };
  }

  /** A node that was not asked is taken to listen where this one does. */
  get #theirPort(): number | undefined {
    return this.#peer ? this.#peer.wireguard?.listenPort : this.#from.wireguard?.listenPort;
  }

  #handshake({ sender, message, body, hasMac2 }: Handshake, port: number): Account {
    const unexplained = (what: string) => this.#account('unexplained', what, 'udp', port);
    if (this.#peer && !(this.#key && mac1Fits(message, this.#key))) {
      return unexplained(`WireGuard handshakes that are not for the key that ${this.#to} publishes`);
    }
    this.#hidden.add(body);
    if (this.#announced.size >= MAX_HANDSHAKES) return unexplained('too many WireGuard handshakes');
    this.#announced.add(sender);
    const pending: Pending = { kind: hasMac2 ? 'mac2' : 'handshake', session: sender };
    return this.#account('ciphertext', 'WireGuard handshakes', 'udp', port, pending);
  }

  #cookie({ receiver, body }: Cookie, port: number): Account {
    this.#hidden.add(body);
    this.#sentCookies = true;
    return this.#account('ciphertext', 'WireGuard cookies', 'udp', port, { kind: 'cookie', session: receiver });
  }

  /** A datagram of segmentation offload holds several messages: one that is not valid spoils it. */
  #data(
    seen: NodePacket,
    payload: Uint8Array,
    packets: readonly Parameters<CiphertextStream['add']>[0][],
    port: number,
  ): Account {
    let worst: Judged | undefined;
    for (const packet of packets) {
      const judged = this.#wireguard.add(packet);
      if (judged === 'data') this.#keepSample(seen, payload, packet.bytes);
      if (worst === undefined || ORDER.indexOf(judged) > ORDER.indexOf(worst)) worst = judged;
    }
    const session = packets[0]?.session ?? 0;
    if (worst === 'keepalive') {
      return this.#account('ciphertext', 'WireGuard keepalives', 'udp', port, { kind: 'keepalive', session });
    }
    if (worst === 'data') {
      return { ...this.#account('ciphertext', 'WireGuard data', 'udp', port, { kind: 'data', session }), data: true };
    }
    return this.#account('unexplained', `WireGuard's header, but ${REFUSALS[worst ?? 'structured']}`, 'udp', port);
  }

  #keepSample({ packet, frame }: NodePacket, payload: Uint8Array, bytes: number): void {
    const best = this.#sample?.bytes ?? -1;
    if (best >= GOOD_SAMPLE || bytes <= best) return;
    const [from, to] = [this.#from.name, this.#to];
    const description = describePacket(packet);
    const lines = hexLines(payload);
    this.#sample = {
      bytes,
      evidence: { kind: 'ciphertext', from, to, tap: from, frame, description, markers: [], lines },
    };
  }

  #account(kind: LedgerClass, what: string, protocol: string, port: number | null, pending?: Pending): Account {
    const account = { class: kind, what, from: this.#from.name, to: this.#to, protocol, port };
    return pending ? { ...account, pending } : account;
  }
}

/** From the best to the worst. */
const ORDER: readonly Judged[] = [
  'keepalive',
  'data',
  'counter out of place',
  'repeated counter',
  'too many sessions',
  'structured',
];

const REFUSALS: { readonly [judged in Judged]: string } = {
  data: '',
  keepalive: '',
  structured: 'structured content, not ciphertext',
  'repeated counter': 'a counter that was used before',
  'counter out of place': 'a counter far from those around it',
  'too many sessions': 'more sessions than two nodes can have',
};

const UDP_HEADER = 8;

/** As long as the header says; a datagram of segmentation offload says 0, and goes on to the end of the frame. */
export function udpPayload(frame: Uint8Array, { offset, datagramLength }: UdpLayer): Uint8Array {
  const end = datagramLength === 0 ? frame.length : offset + datagramLength;
  return frame.subarray(offset + UDP_HEADER, Math.min(end, frame.length));
}
