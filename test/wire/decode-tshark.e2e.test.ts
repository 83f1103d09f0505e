import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCaptureFile } from '../../src/wire/capture-file.ts';
import { type Frame, LinkType } from '../../src/wire/packet.ts';
import { AUTHENTICATED, ENCAPSULATIONS } from './encapsulations.ts';
import {
  bytesFrom,
  ethernet,
  fragments,
  inGeneve,
  inVxlan,
  ipv4,
  ipv6,
  pcap,
  tcp,
  u16be,
  u32be,
  udp,
} from './packet-builder.ts';
import { execute, makeRealTraffic, type RealTraffic } from './real-traffic.ts';
import { ownFrame, tsharkFrames } from './tshark.ts';

let real: RealTraffic;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wglab-crafted-'));
  real = await makeRealTraffic();
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  await real?.remove();
});

async function readAll(path: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const batch of readCaptureFile(path)) frames.push(...batch);
  return frames;
}

/**
 * Reads a capture here and with tshark, and expects the same. Where frames were `cut`, tshark also shows fields of headers that
 * are not whole: then what is read here must be how its values begin.
 */
async function compare(path: string, { cut = false } = {}): Promise<Frame[]> {
  const [frames, theirs] = await Promise.all([readAll(path), tsharkFrames(path)]);
  expect(frames.length).toBe(theirs.length);
  for (const [i, frame] of frames.entries()) {
    const { 'frame.time_epoch': time, ...fields } = theirs[i] ?? {};
    const own = ownFrame(frame);
    const begins = (name: string) => cut && fields[name]?.startsWith(own[name] ?? '-');
    const expected = Object.fromEntries(Object.entries(fields).map(([k, value]) => [k, begins(k) ? own[k] : value]));
    expect(own, `frame ${i + 1} of ${path}`).toEqual(expected);
    // A quarter of a microsecond is as near as milliseconds since 1970 come.
    expect(Math.abs(frame.time - Number(time) * 1000)).toBeLessThan(0.001);
  }
  return frames;
}

const seen = (frames: Frame[], field: string) => frames.filter((frame) => ownFrame(frame)[field] !== '').length;

describe('decodes as tshark does', () => {
  test('real frames of an Ethernet device', async () => {
    const frames = await compare(join(real.folder, 'ethernet.pcap'));
    // The capture has what it was made for.
    for (const field of [
      'vxlan.vni',
      'wg.sender',
      'wg.counter',
      'arp.opcode',
      'icmp.code',
      'icmpv6.code',
      'ipv6.fraghdr.ident',
    ]) {
      expect(seen(frames, field), field).toBeGreaterThan(0);
    }
    expect(frames.some((frame) => Number(ownFrame(frame)['ip.frag_offset']?.split(' ').at(-1)) > 0)).toBe(true);
  });

  test.each(['sll', 'sll2'])('real frames of all devices, %s', async (name) => {
    const frames = await compare(join(real.folder, `${name}.pcap`));
    expect(seen(frames, 'sll.pkttype')).toBe(frames.length);
    expect(seen(frames, 'tcp.srcport')).toBeGreaterThan(0);
  });

  test.each([
    ['pcapng', ['-F', 'pcapng']],
    ['nanosecond pcap', ['-F', 'nsecpcap']],
    ['cut to 60 bytes', ['-F', 'pcap', '-s', '60']],
    ['cut to 100 bytes', ['-F', 'pcapng', '-s', '100']],
  ])('real frames as %s', async (_, options) => {
    const path = join(folder, `${options.join('')}.cap`);
    await execute('editcap', [...options, join(real.folder, 'ethernet.pcap'), path]);
    await compare(path, { cut: options.includes('-s') });
  });

  test('what the devices here do not make', async () => {
    const plain = tcp('some data of an application');
    const withOptions = Buffer.from(bytesFrom(ipv4(plain).subarray(0, 20), [0x94, 4, 0, 0], plain));
    withOptions.set([0x46, 0, ...u16be(withOptions.length)]);
    const timestamps = Buffer.from(bytesFrom(plain.subarray(0, 20), [1, 1, 8, 10, ...u32be(1), ...u32be(2)], 'data'));
    timestamps[12] = 0x80;
    const hops = bytesFrom([60, 0, 5, 2, 0, 0, 1, 0], [6, 0, 1, 4, 0, 0, 0, 0], plain);
    const esp = bytesFrom(u32be(0xc0ffee), u32be(77), 'sixteen bytes or more of ciphertext');
    const quoted = ipv4(udp('lost', { fromPort: 1234, toPort: 9 }), { from: '10.9.9.9', protocol: 17 });
    const wireguard = bytesFrom([4, 0, 0, 0], u32be(1), u32be(2), u32be(3), Buffer.alloc(48, 0xaa));
    const cookie = bytesFrom([3, 0, 0, 0], u32be(5), Buffer.alloc(56, 7));
    const big = ipv6(bytesFrom(Buffer.alloc(3000, 'x')), { protocol: 17 });
    const path = join(folder, 'crafted.pcap');
    await writeFile(
      path,
      pcap([
        ethernet(ipv4(plain), { vlans: [7] }),
        ethernet(ipv6(plain), { vlans: [100, 7] }),
        ethernet(bytesFrom(u16be(0x2007), u16be(0x0800), ipv4(plain)), { type: 0x88a8 }),
        ethernet(withOptions),
        ethernet(ipv4(timestamps)),
        ethernet(ipv6(hops, { protocol: 0 })),
        ethernet(ipv4(ipv4(plain, { from: '10.1.1.1' }), { protocol: 4 })),
        ethernet(ipv4(ipv6(plain), { protocol: 41 })),
        ethernet(ipv6(ipv4(plain), { protocol: 4 })),
        ethernet(ipv4(esp, { protocol: 50 })),
        ethernet(ipv6(esp, { protocol: 50 })),
        ethernet(ipv4(udp(esp, { toPort: 4500 }), { protocol: 17 })),
        ethernet(ipv4(udp(bytesFrom(u32be(0), 'not ESP but IKE'), { toPort: 4500 }), { protocol: 17 })),
        ethernet(inGeneve(ethernet(ipv4(plain)))),
        ethernet(inVxlan(ethernet(ipv6(plain, { from: '::ffff:10.0.0.1' }), { vlans: [9] }), { port: 8472 })),
        ethernet(inVxlan(ethernet(inVxlan(ethernet(ipv4(plain)), { vni: 5 })))),
        ethernet(ipv4(bytesFrom([11, 0, 0, 0, 0, 0, 0, 0], quoted), { protocol: 1 })),
        ethernet(ipv4(bytesFrom([3, 4, 0, 0, 0, 0, 5, 100], ipv4(plain).subarray(0, 28)), { protocol: 1 })),
        ethernet(ipv6(bytesFrom([2, 0, 0, 0, 0, 0, 5, 0], ipv6(plain)), { protocol: 58 })),
        ethernet(ipv4(udp(wireguard, { toPort: 51820 }), { protocol: 17 })),
        ethernet(ipv4(udp(cookie, { toPort: 51820 }), { protocol: 17 })),
        ...fragments(big, 1232, 0xabcdef).map((fragment) => ethernet(fragment)),
        // Padding after a short packet.
        bytesFrom(ethernet(ipv4(tcp(''))), Buffer.alloc(6)),
      ]),
    );
    await compare(path);
  });

  test.each([
    '802.1Q',
    '802.1ad',
    'QinQ of 0x9100',
    'SNAP',
    'VXLAN',
    'VXLAN in VXLAN',
    'Geneve',
    'IP in IP',
    'IP in IPv6',
    'IP in IP with options',
    'GRE',
    'GRE with checksum, key and sequence',
    'GRE of PPTP',
    'NVGRE',
    'ERSPAN I',
    'ERSPAN II',
    'ERSPAN III',
    'MPLS',
    'MPLS in IP',
    'MPLS in GRE',
    'PPPoE',
    'GTP',
    'GTP with an extension header',
  ])('what is in %s', async (name) => {
    const path = join(folder, 'encapsulation.pcap');
    const wrap = ENCAPSULATIONS[name]?.wrap ?? ethernet;
    await writeFile(path, pcap([ipv4, ipv6].map((ip) => wrap(ip(tcp('some data of an application'))))));
    await compare(path);
  });

  test('behind an authentication header', async () => {
    const path = join(folder, 'ah.pcap');
    await writeFile(path, pcap([ipv4, ipv6].map((ip) => AUTHENTICATED.wrap(ip(tcp('some data'))))));
    await compare(path);
  });

  test('packets without a link layer', async () => {
    const path = join(folder, 'raw.pcap');
    const packets = [ipv4(tcp('four')), ipv6(tcp('six')), ipv4(udp('more'), { protocol: 17 })];
    await writeFile(path, pcap(packets, { linkType: LinkType.raw, big: true, nanoseconds: true }));
    await compare(path);
  });
});
