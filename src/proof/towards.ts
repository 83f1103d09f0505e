import { u32 } from '../net/bytes.ts';
import { bytesOf, type Frame, type IpLayer, type Layer, type Packet, type UdpLayer } from '../wire/packet.ts';
import { mac1Fits } from '../wire/wireguard.ts';
import { CiphertextStream } from './ciphertext.ts';
import { describePacket } from './describe.ts';
import type { Evidence, TowardsSeen } from './examine-tap.ts';
import { hexLines } from './excerpt.ts';
import type { NodeRecord, Record } from './record.ts';
import { readWireguard } from './wireguard-messages.ts';

/** SPI and sequence number; the IV that follows counts up in some ciphers; the tag. */
const ESP_HEADER = 8;
const ESP_IV = 8;
const ESP_TAG = 16;

/** A packet this long makes a good picture of ciphertext. */
const GOOD_SAMPLE = 256;

const UDP_HEADER = 8;
const PROTOCOL_UDP = 17;

/** What one node sends to another, in packets whose outermost header says so: control packets, WireGuard, ESP. */
export class Towards {
  readonly control = { open: false, close: false };
  readonly #from: NodeRecord;
  readonly #to: NodeRecord;
  readonly #open: Buffer | undefined;
  readonly #close: Buffer | undefined;
  readonly #key: Uint8Array | undefined;
  readonly #wireguard = new CiphertextStream();
  readonly #esp = new CiphertextStream();
  readonly #announced = new Set<number>();
  #misaddressedHandshakes = 0;
  #foreign = 0;
  #foreignWhy: string | undefined;
  #fragments = 0;
  #sample: { bytes: number; evidence: Evidence } | undefined;

  constructor(record: Record, from: NodeRecord, to: NodeRecord) {
    this.#from = from;
    this.#to = to;
    const control = record.controls.find((c) => c.from === from.name && c.to === to.name);
    this.#open = markerBytes(record, control?.open);
    this.#close = markerBytes(record, control?.close);
    const key = to.wireguard?.publicKey;
    this.#key = key ? Buffer.from(key, 'base64') : undefined;
  }

  get sample(): Evidence | undefined {
    return this.#sample?.evidence;
  }

  /** Takes a packet in. Says whether it is accounted for: a control packet, or on the ports of WireGuard, or ESP. */
  see(frame: Frame, packet: Packet, ip: IpLayer, next: Layer | undefined): boolean {
    if (isFragment(ip, next)) {
      if (carriesUdp(ip, next)) this.#fragments += 1;
      return false;
    }
    if (next?.kind === 'esp') return this.#seeEsp(frame, packet, next.offset);
    if (next?.kind !== 'udp') return false;
    const payload = udpPayload(frame.bytes, next);
    if (this.#onWireguardPorts(next)) this.#seeWireguard(frame, packet, payload);
    else return this.#seeControl(payload);
    return true;
  }

  seen(): TowardsSeen {
    return {
      wireguard: this.#wireguard.seen(),
      esp: this.#esp.seen(),
      misaddressedHandshakes: this.#misaddressedHandshakes,
      announced: this.#announced,
      foreign: this.#foreign,
      foreignWhy: this.#foreignWhy,
      fragments: this.#fragments,
    };
  }

  #onWireguardPorts({ sourcePort, destinationPort }: UdpLayer): boolean {
    return sourcePort === this.#from.wireguard?.listenPort && destinationPort === this.#to.wireguard?.listenPort;
  }

  #seeControl(payload: Uint8Array): boolean {
    if (holds(payload, this.#open)) {
      this.control.open = true;
      this.#wireguard.open();
      this.#esp.open();
      return true;
    }
    if (!holds(payload, this.#close)) return false;
    // A close without an open before it says nothing about the time between.
    if (this.control.open) {
      this.control.close = true;
      this.#wireguard.close();
      this.#esp.close();
    }
    return true;
  }

  #seeWireguard(frame: Frame, packet: Packet, payload: Uint8Array): void {
    const content = readWireguard(payload, this.#from.wireguard?.mtu ?? null);
    if (content.kind === 'not WireGuard') {
      this.#foreign += 1;
      this.#foreignWhy ??= content.why;
    }
    if (content.kind === 'handshake' && this.#key) {
      if (mac1Fits(content.handshake.message, this.#key)) {
        this.#announced.add(content.handshake.sender);
      } else this.#misaddressedHandshakes += 1;
    }
    if (content.kind !== 'data') return;
    for (const message of content.packets) {
      if (this.#wireguard.add(message)) this.#keepSample(frame, packet, payload, message.bytes);
    }
  }

  #seeEsp(frame: Frame, packet: Packet, offset: number): boolean {
    const payload = bytesOf(packet, packet.payload);
    const body = payload.subarray(ESP_IV);
    const bytes = body.length - ESP_TAG;
    if (bytes <= 0) return true;
    const counted = this.#esp.add({
      session: u32(packet.bytes, offset),
      counter: u32(packet.bytes, offset + 4),
      bytes,
      body,
    });
    if (counted) this.#keepSample(frame, packet, packet.bytes.subarray(offset + ESP_HEADER), bytes);
    return true;
  }

  #keepSample(frame: Frame, packet: Packet, payload: Uint8Array, bytes: number): void {
    const best = this.#sample?.bytes ?? -1;
    if (best >= GOOD_SAMPLE || bytes <= best) return;
    const evidence: Evidence = {
      kind: 'ciphertext',
      from: this.#from.name,
      to: this.#to.name,
      tap: this.#from.name,
      frame: frame.index + 1,
      description: describePacket(packet),
      markers: [],
      lines: hexLines(payload),
    };
    this.#sample = { bytes, evidence };
  }
}

function markerBytes(record: Record, id: string | undefined): Buffer | undefined {
  const marker = id === undefined ? undefined : record.markers[id];
  return marker === undefined ? undefined : Buffer.from(marker, 'latin1');
}

function holds(payload: Uint8Array, marker: Buffer | undefined): boolean {
  if (!marker) return false;
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).includes(marker);
}

/** As long as the header says; a datagram of segmentation offload says 0, and goes on to the end of the frame. */
function udpPayload(frame: Uint8Array, { offset, datagramLength }: UdpLayer): Uint8Array {
  const end = datagramLength === 0 ? frame.length : offset + datagramLength;
  return frame.subarray(offset + UDP_HEADER, Math.min(end, frame.length));
}

function isFragment(ip: IpLayer, next: Layer | undefined): boolean {
  if (ip.kind === 'ipv4') return ip.moreFragments || ip.fragmentOffset > 0;
  return next?.kind === 'ipv6-fragment';
}

function carriesUdp(ip: IpLayer, next: Layer | undefined): boolean {
  if (ip.kind === 'ipv4') return ip.protocol === PROTOCOL_UDP;
  return next?.kind === 'ipv6-fragment' && next.nextHeader === PROTOCOL_UDP;
}
