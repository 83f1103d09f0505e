import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCaptureFile } from '../../src/wire/capture-file.ts';
import { Chooser } from '../../src/wire/explain/choose.ts';
import { explainFrame } from '../../src/wire/explain/explain.ts';
import type { ExplainedPacket, Knowledge } from '../../src/wire/explain/explained.ts';
import { type Frame, LinkType } from '../../src/wire/packet.ts';
import { AUTHENTICATED, ENCAPSULATIONS } from './encapsulations.ts';
import { bytesFrom, ethernet, inGeneve, inVxlan, ipv4, ipv6, tcp, u32be, udp } from './packet-builder.ts';
import { makeRealTraffic, type RealTraffic } from './real-traffic.ts';

const NOTHING: Knowledge = { names: new Map(), keys: [], sessions: new Map() };
const REQUEST = 'GET /users HTTP/1.1\r\nAuthorization: Bearer abc.def.ghi\r\n\r\n{"db_password": "fake-hunter2"}';

let real: RealTraffic;
const frames: Frame[] = [];
let known: Knowledge;

beforeAll(async () => {
  real = await makeRealTraffic();
  for (const file of ['ethernet.pcap', 'sll.pcap', 'sll2.pcap']) {
    for await (const batch of readCaptureFile(join(real.folder, file))) frames.push(...batch);
  }
  const keys = real.publicKeys.map((key, i) => ({ name: 'ab'[i] ?? '', key }));
  known = { ...NOTHING, names: new Map([['10.18.0.1', 'node-a']]), keys };
});

afterAll(() => real?.remove());

function frameOf(bytes: Uint8Array, linkType: number = LinkType.ethernet): Frame {
  return { index: 0, time: 0, linkType, originalLength: bytes.length, bytes };
}

function explainBytes(bytes: Uint8Array, knowledge = NOTHING): ExplainedPacket {
  return explainFrame(frameOf(bytes), knowledge);
}

/** Every byte belongs to one layer and to one field of it. (Many calls of `expect` would take minutes.) */
function expectWhole({ bytes, layers }: ExplainedPacket): void {
  let at = 0;
  const gaps: string[] = [];
  for (const { name, offset, length, fields } of layers) {
    if (offset !== at) gaps.push(`${name} is at ${offset}, not ${at}`);
    for (const field of fields) {
      if (field.offset !== at || field.length < 1)
        gaps.push(`${field.name} of ${name} is at ${field.offset}, not ${at}`);
      at += field.length;
    }
    if (at !== offset + length) gaps.push(`${name} ends at ${offset + length}, its fields at ${at}`);
  }
  if (at !== bytes.length) gaps.push(`the last layer ends at ${at}, the packet at ${bytes.length}`);
  if (gaps.length > 0) throw new Error(gaps.join('; '));
}

const fieldsOf = (packet: ExplainedPacket, layer: string) =>
  Object.fromEntries(
    packet.layers.filter(({ name }) => name === layer).flatMap(({ fields }) => fields.map((f) => [f.name, f.value])),
  );

describe('what two real WireGuard devices sent', () => {
  test('is explained to the last byte, whole and cut anywhere', () => {
    expect(frames.length).toBeGreaterThan(20);
    const kinds = new Map<string, Frame>();
    for (const frame of frames) {
      const explained = explainFrame(frame, known);
      expectWhole(explained);
      kinds.set(explained.layers.map(({ name }) => name).join(), frame);
    }
    expect(kinds.size).toBeGreaterThan(5);
    for (const frame of kinds.values()) {
      const most = Math.min(frame.bytes.length, 300);
      for (let length = 0; length < most; length++) {
        expectWhole(explainFrame({ ...frame, bytes: frame.bytes.subarray(0, length) }, known));
      }
    }
  });

  test('a handshake: the peer whose public key fits mac1, and all that is in it', () => {
    const chooser = new Chooser('handshake');
    for (const frame of frames) chooser.look(frame);
    const packet = explainFrame(chooser.chosen?.frame as Frame, known);
    const from = fieldsOf(packet, 'IPv4').source;
    const layer = packet.layers.find(({ name }) => name === 'WireGuard handshake initiation');
    expect(layer?.fields.map(({ name, length }) => [name, length])).toEqual([
      ['type', 1],
      ['reserved', 3],
      ['sender index', 4],
      ['ephemeral key', 32],
      ['encrypted static', 48],
      ['encrypted timestamp', 28],
      ['mac1', 16],
      ['mac2', 16],
    ]);
    const receiver = from?.startsWith('10.18.0.1') ? 1 : 0;
    const key = Buffer.from(real.publicKeys[receiver] ?? '').toString('base64');
    const { mac1, mac2 } = fieldsOf(packet, 'WireGuard handshake initiation');
    expect(mac1).toBe(`fits the public key of ${'ab'[receiver]}, ${key}`);
    expect(mac2).toBe('0: no cookie was asked for');
    expect(fieldsOf(explainFrame(chooser.chosen?.frame as Frame, NOTHING), layer?.name ?? '').mac1).toContain(
      'no public',
    );
    const strangers = [{ name: 'c', key: new Uint8Array(32) }];
    const unknown = explainFrame(chooser.chosen?.frame as Frame, { ...known, keys: strangers });
    expect(fieldsOf(unknown, layer?.name ?? '').mac1).toBe('fits none of the 1 public keys known');
  });

  test('data: the session is of the one who announced its index', () => {
    const chooser = new Chooser();
    for (const frame of frames.filter(({ linkType }) => linkType === LinkType.ethernet)) chooser.look(frame);
    const wanted = new Chooser('data');
    for (const frame of frames) wanted.look(frame);
    const packet = explainFrame(wanted.chosen?.frame as Frame, { ...known, sessions: chooser.sessions });
    const receiver = fieldsOf(packet, 'IPv4').destination;
    const data = fieldsOf(packet, packet.layers.find(({ name }) => name.startsWith('WireGuard data'))?.name ?? '');
    expect(data['receiver index']).toMatch(
      /^0x[0-9a-f]{8}, of 10\.18\.0\.[12]( \(node-a\))?, announced in packet \d+$/,
    );
    expect(data['receiver index']).toContain(`of ${receiver},`);
    expect(Object.keys(data)).toEqual(['type', 'reserved', 'receiver index', 'counter', 'encrypted data', 'tag']);
  });
});

test('random bytes, and real ones with some changed, are explained without an error', () => {
  const links = fc.constantFrom(...Object.values(LinkType), 9999);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), links, (bytes, linkType) => {
      expectWhole(explainFrame(frameOf(bytes, linkType), NOTHING));
    }),
  );
  const change = fc.tuple(fc.nat(), fc.nat(400), fc.nat(255), fc.nat(600));
  fc.assert(
    fc.property(change, ([which, at, value, length]) => {
      const { bytes, linkType } = frames[which % frames.length] as Frame;
      const changed = new Uint8Array(bytes.subarray(0, length));
      if (at < changed.length) changed[at] = value;
      expectWhole(explainFrame(frameOf(changed, linkType), known));
    }),
    { numRuns: 2000 },
  );
});

describe('what can be read', () => {
  const inner = ethernet(ipv4(tcp(REQUEST), { from: '192.168.1.2', to: '192.168.2.3' }));

  test('inside VXLAN: the layers, who talks, the text and where the secrets are', () => {
    const packet = explainBytes(ethernet(inVxlan(inner)), {
      ...NOTHING,
      names: new Map([['192.168.1.2', 'frontend']]),
    });
    expectWhole(packet);
    const names = packet.layers.map(({ name }) => name);
    expect(names).toEqual(['Ethernet', 'IPv4', 'UDP', 'VXLAN', 'Ethernet', 'IPv4', 'TCP', 'Payload']);
    expect(packet.layers[5]?.fields.at(-2)?.value).toBe('192.168.1.2 (frontend)');
    expect(packet.layers[1]?.about).toContain('between the ends of the tunnel');
    const { text = [], about = '' } = packet.layers[7] ?? {};
    expect(about).toContain('2 secrets');
    const secrets = text.flatMap((line) =>
      line.secrets.map(({ offset, length }) => line.text.slice(offset, offset + length)),
    );
    expect(secrets).toEqual(['abc.def.ghi', 'fake-hunter2']);
  });

  test('VLAN, IPv6, fragments, Geneve and padding have names too', () => {
    const vlan = explainBytes(ethernet(ipv6(udp('hello there', { toPort: 9 }), { protocol: 17 }), { vlans: [7] }));
    expect(vlan.layers.map(({ name }) => name)).toEqual(['Ethernet', 'VLAN tag', 'IPv6', 'UDP', 'Payload']);
    expect(fieldsOf(vlan, 'VLAN tag').tag).toBe('VLAN 7, priority 0');
    const fragment = explainBytes(ethernet(ipv4(tcp('x'), { position: 1480, more: true })));
    expect(fieldsOf(fragment, 'IPv4').fragment).toBe('from byte 1480, more follow');
    expect(explainBytes(ethernet(inGeneve(inner))).layers.map(({ name }) => name)).toContain('Geneve');
    const padded = explainBytes(bytesFrom(ethernet(ipv4(tcp(''))), new Uint8Array(6)));
    expect(padded.layers.at(-1)).toMatchObject({ name: 'After the packet', length: 6 });
  });

  test('every encapsulation has a name, and every byte of it', () => {
    for (const [name, { wrap }] of [...Object.entries(ENCAPSULATIONS), ['AH', AUTHENTICATED] as const]) {
      for (const ip of [ipv4, ipv6]) {
        const packet = explainBytes(wrap(ip(tcp(REQUEST))));
        expectWhole(packet);
        expect(packet.layers.map((layer) => layer.name).at(-1), name).toBe('Payload');
        expect(
          packet.layers.at(-1)?.text?.some(({ secrets }) => secrets.length > 0),
          name,
        ).toBe(true);
      }
    }
  });

  test('has no characters that a terminal would obey', () => {
    const packet = explainBytes(ethernet(ipv4(tcp(`${'readable '.repeat(9)}\u001b[2J`))));
    expect(packet.layers.at(-1)?.text?.[0]?.text).toMatch(/^[ -~]+$/);
  });
});

test('messages of segmentation offload are separated', () => {
  const message = (counter: number, length: number) =>
    bytesFrom([4, 0, 0, 0, 1, 2, 3, 4], u32be(counter).reverse(), [0, 0, 0, 0], Buffer.alloc(length - 16, counter));
  const both = bytesFrom(message(5, 128), message(6, 96));
  const packet = explainBytes(ethernet(ipv4(udp(both, { toPort: 51820 }), { protocol: 17 })));
  expectWhole(packet);
  expect(packet.layers.slice(3).map(({ name }) => name)).toEqual([
    'WireGuard data, 1 of 2 in one packet (segmentation offload)',
    'WireGuard data, 2 of 2 in one packet (segmentation offload)',
  ]);
  expect(packet.layers[4]?.fields[3]?.value).toBe('6');
});

describe('the packet that is chosen', () => {
  const vxlan = (payload: string) => ethernet(inVxlan(ethernet(ipv4(tcp(payload)))));
  const data = (length: number) =>
    ethernet(ipv4(udp(bytesFrom([4, 0, 0, 0], Buffer.alloc(length - 4, 200)), { toPort: 51820 }), { protocol: 17 }));
  const chosenOf = (all: Uint8Array[], wanted?: ConstructorParameters<typeof Chooser>[0]) => {
    const chooser = new Chooser(wanted);
    for (const bytes of all) chooser.look(frameOf(bytes));
    return chooser.chosen;
  };
  const plain = ethernet(ipv4(tcp('a plain text')));
  const [keepalive, small, large] = [data(32), data(96), data(256)];
  const secret = vxlan(REQUEST);

  // Each tells more than all before it.
  const order = [vxlan(''), plain, keepalive, small, large, vxlan('pods say hello'), secret];

  test('is the most telling, wherever it stands', () => {
    order.forEach((best, i) => {
      if (best === keepalive) return; // it tells less than readable text, and more than nothing
      const others = order.slice(0, i);
      expect(chosenOf([...others, best])?.frame.bytes, `after ${i} others`).toEqual(best);
      expect(chosenOf([best, ...others])?.number, `before ${i} others`).toBe(1);
    });
    expect(chosenOf([plain, secret, secret])?.why).toBe(
      'of 3 packets this one, for it carries a secret in clear, as one other does',
    );
    expect(chosenOf([])).toBeUndefined();
  });

  test('is the one that was asked for, by number or kind', () => {
    expect(chosenOf(order, 2)).toMatchObject({ number: 2, why: '' });
    expect(chosenOf(order, 99)).toBeUndefined();
    expect(chosenOf(order, 'data')?.number).toBe(4);
    expect(chosenOf(order, 'secret')?.number).toBe(7);
    expect(chosenOf(order, 'response')).toBeUndefined();
  });
});
