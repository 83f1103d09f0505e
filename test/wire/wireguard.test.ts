import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCaptureFile } from '../../src/wire/capture-file.ts';
import { decodeFrame } from '../../src/wire/decode.ts';
import { bytesOf, LinkType, layerOf, type WireguardLayer } from '../../src/wire/packet.ts';
import { mac1Fits } from '../../src/wire/wireguard.ts';
import { bytesFrom, ethernet, ipv4, udp } from './packet-builder.ts';
import { makeRealTraffic, type RealTraffic } from './real-traffic.ts';

interface Message {
  readonly layer: WireguardLayer;
  readonly bytes: Uint8Array;
  /** 0 where a sent it to b, 1 the other way. */
  readonly sender: 0 | 1;
}

let real: RealTraffic;
const messages: Message[] = [];

beforeAll(async () => {
  real = await makeRealTraffic();
  for await (const frames of readCaptureFile(join(real.folder, 'ethernet.pcap'))) {
    for (const frame of frames) {
      const packet = decodeFrame(frame);
      const layer = layerOf(packet, 'wireguard');
      const from = layerOf(packet, 'ipv4')?.source;
      if (layer) messages.push({ layer, bytes: bytesOf(packet, layer), sender: from === '10.18.0.1' ? 0 : 1 });
    }
  }
});

afterAll(() => real?.remove());

const only = (message: WireguardLayer['message']) => messages.filter(({ layer }) => layer.message === message);

describe('between two real WireGuard devices', () => {
  test('the handshake is for the key of the one that it was sent to, and for nobody else', () => {
    const handshakes = [...only('initiation'), ...only('response')];
    expect(handshakes.length).toBeGreaterThanOrEqual(2);
    for (const { bytes, sender } of handshakes) {
      const [own, peer] = [real.publicKeys[sender], real.publicKeys[1 - sender]];
      expect(mac1Fits(bytes, peer ?? new Uint8Array(0))).toBe(true);
      expect(mac1Fits(bytes, own ?? new Uint8Array(0))).toBe(false);
      for (const at of [0, 20, bytes.length - 33, bytes.length - 32, bytes.length - 17]) {
        const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1);
        expect(mac1Fits(changed, peer ?? new Uint8Array(0)), `with byte ${at} changed`).toBe(false);
      }
    }
  });

  test('data is for the index that the handshake gave, and is counted', () => {
    const indexes = new Map<number, 0 | 1>();
    for (const { layer, sender } of messages) if ('sender' in layer) indexes.set(layer.sender, sender);
    const counters = new Map<number, bigint[]>();
    for (const { layer, sender } of only('data')) {
      if (layer.message !== 'data') continue;
      expect(indexes.get(layer.receiver)).toBe(1 - sender);
      expect(layer.aligned || layer.messageLength === 32 + 1420).toBe(true);
      counters.set(layer.receiver, [...(counters.get(layer.receiver) ?? []), layer.counter]);
    }
    expect(counters.size).toBeGreaterThanOrEqual(2);
    // On a busy machine some may be missing, but none comes twice.
    for (const seen of counters.values()) {
      expect(seen[0]).toBe(0n);
      expect(new Set(seen).size).toBe(seen.length);
      expect(Math.max(...seen.map(Number))).toBeLessThan(2 * seen.length);
    }
  });
});

describe('by its structure', () => {
  const layerFor = (payload: Uint8Array, linkBytes = Number.MAX_SAFE_INTEGER) => {
    const bytes = ethernet(ipv4(udp(payload, { toPort: 1234 }), { protocol: 17 })).subarray(0, linkBytes);
    return layerOf(decodeFrame({ bytes, linkType: LinkType.ethernet }), 'wireguard');
  };
  const message = (type: number, length: number) => bytesFrom([type, 0, 0, 0], Buffer.alloc(length - 4, 9));

  test.each([
    [1, 148, 'initiation'],
    [2, 92, 'response'],
    [3, 64, 'cookie'],
    [4, 32, 'data'],
    [4, 1452, 'data'],
  ])('type %i of %i bytes is a message, on any port', (type, length, name) => {
    expect(layerFor(message(type, length))).toMatchObject({ message: name, messageLength: length });
  });

  test.each([
    [1, 147],
    [1, 149],
    [2, 148],
    [3, 92],
    [4, 31],
    [0, 64],
    [5, 64],
  ])('type %i of %i bytes is none', (type, length) => {
    expect(layerFor(message(type, length))).toBeUndefined();
  });

  test('is not WireGuard with a reserved byte set', () => {
    for (const at of [1, 2, 3]) expect(layerFor(new Uint8Array(message(4, 64)).with(at, 1))).toBeUndefined();
  });

  test('data that the capture cut has the length that it had on the wire', () => {
    expect(layerFor(message(4, 96), 70)).toMatchObject({ message: 'data', messageLength: 96, length: 16 });
    expect(layerFor(message(1, 148), 70)).toBeUndefined();
  });

  test('a keepalive is distinguished from data', () => {
    expect(layerFor(message(4, 32))).toMatchObject({ keepalive: true, aligned: true });
    expect(layerFor(message(4, 52))).toMatchObject({ keepalive: false, aligned: false });
  });

  test('numbers are little-endian, and the counter has 64 bits', () => {
    const bytes = bytesFrom([4, 0, 0, 0, 1, 2, 3, 4, 8, 7, 6, 5, 4, 3, 2, 255], Buffer.alloc(16));
    expect(layerFor(bytes)).toMatchObject({ receiver: 0x04030201, counter: 0xff02030405060708n });
  });
});

test('no message and no key of another length fits', () => {
  expect(mac1Fits(new Uint8Array(148), new Uint8Array(31))).toBe(false);
  expect(mac1Fits(new Uint8Array(64), new Uint8Array(32))).toBe(false);
});
