import { randomBytes } from 'node:crypto';
import { blake2s } from '@noble/hashes/blake2.js';

/** Writes packets byte by byte, apart from the code under test: a mistake there must not repeat itself here. */

export function ethernet(source: string, destination: string, type: number, payload: Buffer): Buffer {
  return Buffer.concat([mac(destination), mac(source), u16(type), payload]);
}

/** An IP packet in an Ethernet frame, of the version that the packet says. */
export function frameOf(source: string, destination: string, ip: Buffer): Buffer {
  return ethernet(source, destination, ip.readUInt8(0) >> 4 === 4 ? 0x0800 : 0x86dd, ip);
}

export function ipv4(
  source: string,
  destination: string,
  protocol: number,
  payload: Buffer,
  { id = 0, offset = 0, more = false } = {},
): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE((more ? 0x2000 : 0) | (offset >> 3), 6);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  ip4(source).copy(header, 12);
  ip4(destination).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** Cuts an IPv4 packet into fragments of at most `size` bytes of payload (a multiple of 8). */
export function fragments(packet: Buffer, size: number, id: number): Buffer[] {
  const [source, destination] = [dotted(packet, 12), dotted(packet, 16)];
  const payload = packet.subarray(20);
  const pieces = Math.ceil(payload.length / size);
  return Array.from({ length: pieces }, (_, i) =>
    ipv4(source, destination, packet.readUInt8(9), payload.subarray(i * size, (i + 1) * size), {
      id,
      offset: i * size,
      more: i < pieces - 1,
    }),
  );
}

export function ipv6(source: string, destination: string, next: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(next, 6);
  header.writeUInt8(64, 7);
  ip6(source).copy(header, 8);
  ip6(destination).copy(header, 24);
  return Buffer.concat([header, payload]);
}

export function udp(sourcePort: number, destinationPort: number, payload: Buffer): Buffer {
  return Buffer.concat([u16(sourcePort), u16(destinationPort), u16(8 + payload.length), u16(0), payload]);
}

export function tcp(
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  flags: number,
  payload: Buffer,
): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt32BE(sequence, 4);
  header.writeUInt8(5 << 4, 12);
  header.writeUInt8(flags, 13);
  header.writeUInt16BE(64_000, 14);
  return Buffer.concat([header, payload]);
}

export function vxlan(vni: number, frame: Buffer): Buffer {
  return Buffer.concat([Buffer.from([8, 0, 0, 0]), u32(vni << 8), frame]);
}

/** Destination unreachable, quoting the first bytes of a packet. */
export function icmpError(packet: Buffer, quoted = 28): Buffer {
  return Buffer.concat([Buffer.from([3, 1, 0, 0, 0, 0, 0, 0]), packet.subarray(0, quoted)]);
}

export function arp(source: string, sender: string, target: string, padding: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([
    Buffer.from('0001080006040001', 'hex'),
    mac(source),
    ip4(sender),
    Buffer.alloc(6),
    ip4(target),
  ]);
  return ethernet(source, 'ff:ff:ff:ff:ff:ff', 0x0806, Buffer.concat([body, padding]));
}

/** A data message of WireGuard; its body is random where it is not given. `length` is that of the inner packet, padded here. */
export function wireguardData(receiver: number, counter: number, length: number, body?: Buffer): Buffer {
  const padded = Math.min(Math.ceil(length / 16) * 16, Math.max(length, 1440));
  return Buffer.concat([Buffer.from([4, 0, 0, 0]), u32le(receiver), u64le(counter), body ?? randomBytes(padded + 16)]);
}

/** An initiation with a mac1 that fits the receiver's public key. */
export function wireguardInitiation(sender: number, receiverKey: Buffer, body: Buffer = randomBytes(108)): Buffer {
  return withMac1(Buffer.concat([Buffer.from([1, 0, 0, 0]), u32le(sender), body]), receiverKey);
}

export function wireguardResponse(sender: number, receiver: number, receiverKey: Buffer): Buffer {
  return withMac1(
    Buffer.concat([Buffer.from([2, 0, 0, 0]), u32le(sender), u32le(receiver), randomBytes(48)]),
    receiverKey,
  );
}

export function esp(spi: number, sequence: number, length: number): Buffer {
  return Buffer.concat([u32(spi), u32(sequence), randomBytes(8 + length + 16)]);
}

export interface PcapOptions {
  linkType?: number;
  snapLength?: number;
}

/** A pcap file, as tcpdump writes it; the frames one millisecond apart. */
export function pcap(frames: readonly Buffer[], { linkType = 1, snapLength = 262_144 }: PcapOptions = {}): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(snapLength, 16);
  header.writeUInt32LE(linkType, 20);
  const records = frames.flatMap((frame, i) => {
    const kept = frame.subarray(0, snapLength);
    return [
      u32le(1_700_000_000 + Math.floor(i / 1000)),
      u32le((i % 1000) * 1000),
      u32le(kept.length),
      u32le(frame.length),
      kept,
    ];
  });
  return Buffer.concat([header, ...records]);
}

function withMac1(covered: Buffer, key: Buffer): Buffer {
  const hashed = blake2s.create().update(Buffer.from('mac1----')).update(key).digest();
  return Buffer.concat([covered, blake2s(covered, { key: hashed, dkLen: 16 }), Buffer.alloc(16)]);
}

function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function ip4(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}

/** Takes the full form only, of eight groups. */
function ip6(text: string): Buffer {
  return Buffer.from(
    text
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}

function dotted(packet: Buffer, offset: number): string {
  return [...packet.subarray(offset, offset + 4)].join('.');
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function u32le(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function u64le(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
