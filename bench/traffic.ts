import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { bytesFrom, ethernet, inVxlan, ipv4, tcp, u16be, u32be, udp } from '../test/wire/packet-builder.ts';

const REQUEST = [
  'GET /api/v1/orders?user=alice&limit=50 HTTP/1.1',
  'Host: backend.demo.svc.cluster.local:8080',
  'User-Agent: curl/8.5.0',
  'Accept: application/json',
  'Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9.demo-not-real',
  'Cookie: session=6f1c2a9be0d14f7c9b7d; theme=dark',
  '',
  '',
].join('\r\n');

const RESPONSE = [
  'HTTP/1.1 200 OK',
  'Content-Type: application/json; charset=utf-8',
  'Server: nginx/1.25.4',
  'Cache-Control: no-store',
  '',
  '{"status":"ok","items":[{"id":1041,"name":"blue widget","price":"19.99","currency":"EUR","stock":120},',
].join('\r\n');

const ITEM = '{"id":2077,"name":"left-handed screwdriver","price":"7.49","currency":"EUR","stock":3},';

/** The TCP payload that fits in VXLAN on a link of 1500 bytes. */
const SEGMENT = 1398;

/** Every so many conversations a marker is in one, and in every second of these across a cut. */
const MARKER_EVERY = 100;

/**
 * Writes a pcap file of about so many bytes, as a node's underlay sees them: HTTP in TCP in VXLAN, one flow after the other but
 * interleaved by twos, WireGuard data of mixed sizes, and DNS. Markers are strewn in.
 */
export async function writeTraffic(path: string, size: number, markers: readonly string[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    let written = 24;
    await file.write(bytesFrom(u32be(0xa1b2c3d4), u16be(2), u16be(4), u32be(0), u32be(0), u32be(262_144), u32be(1)));
    for (let turn = 0; written < size; turn++) {
      const marker = turn % MARKER_EVERY === 0 ? markers[(turn / MARKER_EVERY) % markers.length] : undefined;
      const records = turnOfTraffic(turn, marker).map((frame, i) => record(turn, i, frame));
      const bytes = bytesFrom(...records);
      await file.write(bytes);
      written += bytes.length;
    }
  } finally {
    await file.close();
  }
}

function turnOfTraffic(turn: number, marker: string | undefined): Uint8Array[] {
  const body = RESPONSE + ITEM.repeat(4 + ((turn * 37) % 120));
  const cut = turn % (2 * MARKER_EVERY) === 0 ? 2 * SEGMENT - 9 : 700;
  const response = marker ? body.slice(0, cut) + marker + body.slice(cut) : body;
  return interleave(conversation(turn, response), encrypted(turn)).concat(lookup(turn));
}

/** A request, its answer in full segments, an acknowledgment for every two of these. */
function conversation(turn: number, response: string): Uint8Array[] {
  const client = { from: `10.244.1.${2 + (turn % 200)}`, to: '10.244.2.7' };
  const server = { from: client.to, to: client.from };
  const fromPort = 32_768 + (turn % 28_000);
  const [up, down] = [
    { fromPort, toPort: 8080 },
    { fromPort: 8080, toPort: fromPort },
  ];
  const sequence = (turn * 7919) >>> 0;
  const overlay = (packet: Uint8Array) => ethernet(inVxlan(ethernet(packet), { id: turn & 0xffff }));
  const frames = [
    overlay(ipv4(tcp('', { ...up, sequence, flags: 0x02 }), client)),
    overlay(ipv4(tcp('', { ...down, sequence, flags: 0x12 }), server)),
    overlay(ipv4(tcp(REQUEST, { ...up, sequence: sequence + 1 }), client)),
  ];
  for (let at = 0, i = 0; at < response.length; at += SEGMENT, i++) {
    const part = response.slice(at, at + SEGMENT);
    frames.push(overlay(ipv4(tcp(part, { ...down, sequence: sequence + 1 + at }), server)));
    if (i % 2)
      frames.push(overlay(ipv4(tcp('', { ...up, sequence: sequence + 1 + REQUEST.length, flags: 0x10 }), client)));
  }
  const end = sequence + 1 + response.length;
  frames.push(overlay(ipv4(tcp('', { ...down, sequence: end, flags: 0x11 }), server)));
  frames.push(overlay(ipv4(tcp('', { ...up, sequence: sequence + 1 + REQUEST.length, flags: 0x11 }), client)));
  return frames;
}

function encrypted(turn: number): Uint8Array[] {
  const sizes = [96, 128, 1424, 1424, 208].slice(turn % 4);
  return sizes.map((size, i) => {
    const header = [4, 0, 0, 0, ...u32be(0x11223344), ...u32be(turn).reverse(), ...u32be(i)];
    const message = bytesFrom(header, randomBytes(size));
    const options = { from: '172.18.0.3', to: '172.18.0.4', protocol: 17 };
    return ethernet(ipv4(udp(message, { fromPort: 51820, toPort: 51820 }), options));
  });
}

function lookup(turn: number): Uint8Array[] {
  const query = bytesFrom(
    u16be(turn & 0xffff),
    [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7],
    'backend',
    [4],
    'demo',
    [0, 0, 1, 0, 1],
  );
  return turn % 5 ? [] : [ethernet(ipv4(udp(query), { from: '172.18.0.3', to: '172.18.0.1', protocol: 17 }))];
}

function interleave(a: readonly Uint8Array[], b: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [a[i], b[i]])
    .flat()
    .filter((frame) => frame !== undefined);
}

function record(turn: number, index: number, frame: Uint8Array): Uint8Array {
  const time = [...u32be(1_700_000_000 + Math.floor(turn / 1000)), ...u32be((turn % 1000) * 1000 + index)];
  return bytesFrom(time, u32be(frame.length), u32be(frame.length), frame);
}
