import { u32 } from '../net/bytes.ts';
import { bytesOf, type EspLayer, type Packet, type UdpLayer } from '../wire/packet.ts';
import type { Account, LedgerClass } from './accounts.ts';
import { CiphertextStream, type SessionSeen } from './ciphertext.ts';
import type { Cluster } from './cluster.ts';
import { describePacket } from './describe.ts';
import type { Evidence } from './evidence.ts';
import { hexLines } from './excerpt.ts';
import { udpPayload } from './udp-payload.ts';
import { REFUSALS, type WireguardSeen, WireguardWay } from './wireguard-way.ts';

/** SPI and sequence number; the IV that follows counts up in some ciphers; the tag. */
const ESP_HEADER = 8;
const ESP_IV = 8;
const ESP_TAG = 16;

/** A packet of this length is a good example of ciphertext. */
const GOOD_SAMPLE = 256;

/** The packets from one node to another that are encrypted in the outermost header. */
export interface TowardsSeen {
  readonly control: { readonly open: boolean; readonly close: boolean };
  /** The WireGuard traffic by the family of the pods' packets that a device carries. */
  readonly wireguard: ReadonlyMap<4 | 6, WireguardSeen>;
  readonly esp: readonly SessionSeen[];
  readonly sample: Evidence | undefined;
}

/** A packet from one node to another, as their taps capture it. */
export interface NodePacket {
  readonly packet: Packet;
  /** Its number in the capture, from 1. */
  readonly frame: number;
  /** In ms. */
  readonly time: number;
}

/** Reads what one node sends to another under the encryption, packet by packet. */
export class Towards {
  readonly #control = { open: false, close: false };
  readonly #from: string;
  readonly #to: string;
  readonly #ways = new Map<4 | 6, WireguardWay>();
  /** The ports that the receiver's devices listen on. */
  readonly #theirPorts = new Set<number>();
  readonly #esp = new CiphertextStream();
  #sample: { bytes: number; evidence: Evidence } | undefined;

  constructor(cluster: Cluster, from: string, to: string) {
    this.#from = from;
    this.#to = to;
    for (const family of [4, 6] as const) {
      const mine = cluster.device(from, family);
      const theirs = cluster.device(to, family);
      if (theirs) this.#theirPorts.add(theirs.listenPort);
      if (mine) this.#ways.set(family, new WireguardWay({ family, from, to, mine, theirs }));
    }
  }

  /** Notes that a control packet passed. */
  control(which: 'open' | 'close'): void {
    const streams = [this.#esp, ...[...this.#ways.values()].map(({ stream }) => stream)];
    if (which === 'open') {
      this.#control.open = true;
      for (const stream of streams) stream.open();
    } else if (this.#control.open) {
      // A close without an open before it says nothing about the time between.
      this.#control.close = true;
      for (const stream of streams) stream.close();
    }
  }

  /** Returns the account of a packet on the ports of WireGuard, undefined if it is on none. */
  wireguard(seen: NodePacket, udp: UdpLayer): Account | undefined {
    const ways = [...this.#ways.values()];
    const way = ways.find((each) => each.portsOf(udp) === 'both');
    if (way) {
      const { account, shown } = way.read(udpPayload(seen.packet.bytes, udp), seen.time);
      if (shown) this.#keepSample(seen, shown.payload, shown.bytes);
      return account;
    }
    const one = this.#theirPorts.has(udp.destinationPort) || ways.some((each) => each.portsOf(udp) === 'one');
    if (!one) return undefined;
    return this.#account('unexplained', "WireGuard's port at one end only", 'udp', null);
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
    const judged = this.#esp.add({ session, counter, bytes, body }, seen.time);
    if (judged !== 'data') return this.#account('unexplained', `ESP: ${REFUSALS[judged]}`, protocol, at);
    this.#keepSample(seen, packet.bytes.subarray(offset + ESP_HEADER), bytes);
    const account = this.#account('ciphertext', 'ESP', protocol, at);
    return { ...account, data: true, pending: { kind: 'esp', session } };
  }

  seen(): TowardsSeen {
    return {
      control: this.#control,
      wireguard: new Map([...this.#ways].map(([family, way]) => [family, way.seen()])),
      esp: this.#esp.seen(),
      sample: this.#sample?.evidence,
    };
  }

  #keepSample({ packet, frame }: NodePacket, payload: Uint8Array, bytes: number): void {
    const best = this.#sample?.bytes ?? -1;
    if (best >= GOOD_SAMPLE || bytes <= best) return;
    const [from, to] = [this.#from, this.#to];
    const description = describePacket(packet);
    const evidence: Evidence = {
      ...{ kind: 'ciphertext', from, to, tap: from, frame, description, markers: [] },
      lines: hexLines(payload),
    };
    this.#sample = { bytes, evidence };
  }

  #account(kind: LedgerClass, what: string, protocol: string, port: number | null): Account {
    return { class: kind, what, from: this.#from, to: this.#to, protocol, port };
  }
}
