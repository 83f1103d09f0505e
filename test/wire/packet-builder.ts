import { parseIp } from '../../src/net/addresses.ts';

/** Builds packets for tests, from inside out: `ethernet(ipv4(tcp('hello')))`. Checksums of TCP and UDP are left 0, as offload does. */
export function bytesFrom(...parts: (Uint8Array | readonly number[] | string)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Uint8Array.from(part))),
  );
}

export const u16be = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
export const u32be = (value: number): number[] => [...u16be(value >>> 16), ...u16be(value & 0xffff)];

function address(text: string): Uint8Array {
  const bytes = parseIp(text);
  if (!bytes) throw new Error(`${text} is no address`);
  return bytes;
}

/** With 802.1Q tags where there are `vlans`. The type is found from the payload. */
export function ethernet(
  payload: Uint8Array,
  { vlans = [] as number[], type = etherTypeOf(payload) } = {},
): Uint8Array {
  const tags = vlans.flatMap((id) => [0x81, 0x00, ...u16be(id)]);
  return bytesFrom([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], tags, u16be(type), payload);
}

function etherTypeOf(payload: Uint8Array): number {
  return (payload[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800;
}

interface IpOptions {
  from?: string;
  to?: string;
  protocol?: number;
  id?: number;
  position?: number;
  more?: boolean;
  /** The options of IPv4, in multiples of four bytes. */
  optionBytes?: readonly number[];
}

export function ipv4(payload: Uint8Array, options: IpOptions = {}): Uint8Array {
  const { from = '10.0.0.1', to = '10.0.0.2', protocol = 6, id = 1, position = 0, more = false } = options;
  const { optionBytes = [] } = options;
  const fragmentation = (more ? 0x2000 : 0) | (position / 8);
  const length = 20 + optionBytes.length;
  const header = bytesFrom(
    [
      0x40 + length / 4,
      0,
      ...u16be(length + payload.length),
      ...u16be(id),
      ...u16be(fragmentation),
      64,
      protocol,
      0,
      0,
    ],
    address(from),
    address(to),
    optionBytes,
  );
  setChecksum(header);
  return bytesFrom(header, payload);
}

/** Sets the checksum of an IPv4 header (RFC 1071). */
export function setChecksum(header: Uint8Array): void {
  header.set([0, 0], 10);
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += ((header[i] ?? 0) << 8) | (header[i + 1] ?? 0);
  header.set(u16be(~((sum & 0xffff) + (sum >>> 16)) & 0xffff), 10);
}

/** With a fragment header where there is a position or more to come. */
export function ipv6(payload: Uint8Array, options: IpOptions = {}): Uint8Array {
  const { from = 'fd00::1', to = 'fd00::2', protocol = 6, id = 1, position = 0, more = false } = options;
  const isFragment = position > 0 || more;
  const fragment = isFragment ? [protocol, 0, ...u16be(position | (more ? 1 : 0)), ...u32be(id)] : [];
  const length = u16be(payload.length + fragment.length);
  return bytesFrom(
    [0x60, 0, 0, 0, ...length, isFragment ? 44 : protocol, 64],
    address(from),
    address(to),
    fragment,
    payload,
  );
}

export function tcp(
  payload: Uint8Array | string,
  { fromPort = 40000, toPort = 80, sequence = 1, flags = 0x18 } = {},
): Uint8Array {
  const ports = [...u16be(fromPort), ...u16be(toPort)];
  return bytesFrom(ports, u32be(sequence), u32be(7), [0x50, flags, 0xff, 0xff, 0, 0, 0, 0], payload);
}

export function udp(payload: Uint8Array | string, { fromPort = 40000, toPort = 53 } = {}): Uint8Array {
  return bytesFrom(u16be(fromPort), u16be(toPort), u16be(8 + payload.length), [0, 0], payload);
}

/** An Ethernet frame within VXLAN, UDP and IPv4. */
export function inVxlan(frame: Uint8Array, { vni = 4096, id = 1, port = 4789 } = {}): Uint8Array {
  const header = [8, 0, 0, 0, ...u32be(vni * 256)];
  const options = { from: '172.18.0.2', to: '172.18.0.3', protocol: 17, id };
  return ipv4(udp(bytesFrom(header, frame), { toPort: port }), options);
}

export function inGeneve(frame: Uint8Array, { vni = 9, options = [1, 2, 3, 0] } = {}): Uint8Array {
  const header = [options.length / 4, 0, 0x65, 0x58, ...u32be(vni * 256)];
  return ipv4(udp(bytesFrom(header, options, frame), { toPort: 6081 }), { protocol: 17 });
}

/** Cuts an IP packet into fragments of so many bytes of data, a multiple of 8. The packet has no options or extensions. */
export function fragments(packet: Uint8Array, size: number, id: number): Uint8Array[] {
  const six = (packet[0] ?? 0) >> 4 === 6;
  const header = six ? 40 : 20;
  const data = packet.subarray(header);
  const addresses = six ? packet.subarray(8, 40) : packet.subarray(12, 20);
  const all: Uint8Array[] = [];
  for (let position = 0; position < data.length; position += size) {
    const part = data.subarray(position, position + size);
    const more = position + size < data.length;
    const options = { protocol: packet[six ? 6 : 9] ?? 0, id, position, more };
    const fragment = Buffer.from(six ? ipv6(part, options) : ipv4(part, options));
    fragment.set(addresses, six ? 8 : 12);
    if (!six) setChecksum(fragment.subarray(0, header));
    all.push(fragment);
  }
  return all;
}

interface PcapOptions {
  big?: boolean;
  nanoseconds?: boolean;
  linkType?: number;
  /** Seconds and fraction of the first frame; each next one is a fraction later. */
  start?: [seconds: number, fraction: number];
}

export function pcap(frames: readonly Uint8Array[], options: PcapOptions = {}): Uint8Array {
  const { big = false, nanoseconds = false, linkType = 1, start = [1_700_000_000, 5] } = options;
  const n32 = (value: number) => (big ? u32be(value) : u32be(value).reverse());
  const n16 = (value: number) => (big ? u16be(value) : u16be(value).reverse());
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  const records = frames.flatMap((frame, i) => [
    Uint8Array.from([...n32(start[0]), ...n32(start[1] + i), ...n32(frame.length), ...n32(frame.length)]),
    frame,
  ]);
  return bytesFrom(
    [...n32(magic), ...n16(2), ...n16(4), ...n32(0), ...n32(0), ...n32(262_144), ...n32(linkType)],
    ...records,
  );
}
