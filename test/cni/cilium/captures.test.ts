import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseIpsecSecret } from '../../../src/cni/cilium/keys/ipsec-secret.ts';
import { espKeyring } from '../../../src/cni/cilium/keys/keyring.ts';
import { readCaptureFile } from '../../../src/wire/capture-file.ts';
import { decodeFrame, decodeIpPacket } from '../../../src/wire/decode.ts';
import { openEsp } from '../../../src/wire/esp-crypto.ts';
import { type EspKeys, type EspVerdict, tryEspKeys } from '../../../src/wire/esp-keys.ts';
import { MarkerSearch } from '../../../src/wire/marker-search.ts';
import { type EspLayer, type Frame, LinkType, type Packet } from '../../../src/wire/packet.ts';

/**
 * Packets of two Linux nodes with the states, policies and marks of Cilium: of 1.18 and later (`esp-`, VXLAN in ESP) and of 1.14.5
 * (`esp114-`, ESP in VXLAN). Three pings and 6000 letters A over TCP.
 */
const folder = join(import.meta.dirname, 'captures');
const PSK = 'da630c6acdbef2757ab7f5215b8b1811420e3f61';
const BOOT_ID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const NODES = [
  { name: 'a', addresses: ['172.18.0.3', '10.244.1.155'], bootId: BOOT_ID },
  { name: 'b', addresses: ['172.18.0.4', '10.244.2.112'], bootId: BOOT_ID },
];
const secret = (psk: string, id = '3+') => parseIpsecSecret(`${id} rfc4106(gcm(aes)) ${psk} 128`);
const keyring = espKeyring([secret(PSK)], NODES);

const captures = new Map<string, Packet[]>();

beforeAll(async () => {
  for (const name of ['esp-br0', 'esp-n4-eth0', 'esp114-br0', 'esp114-n4-eth0', 'plain-br0']) {
    const packets: Packet[] = [];
    for await (const frames of readCaptureFile(join(folder, `${name}.pcap`))) packets.push(...frames.map(decodeFrame));
    captures.set(name, packets);
  }
});

function esp(name: string): { packet: Packet; layer: EspLayer }[] {
  return (captures.get(name) ?? []).flatMap((packet) => {
    const layer = packet.layers.find((layer): layer is EspLayer => layer.kind === 'esp');
    return layer ? [{ packet, layer }] : [];
  });
}

function verdicts(name: string, keys: EspKeys = keyring): EspVerdict[] {
  return esp(name).map(({ packet, layer }) => tryEspKeys(packet, layer, keys));
}

const fits = (all: readonly EspVerdict[]) => [...new Set(all.map((verdict) => verdict.fits))];

describe.each(['esp-br0', 'esp-n4-eth0'])('every ESP packet of %s', (name) => {
  test('opens with the key that Cilium derives from the Secret for its direction', () => {
    const all = verdicts(name);
    expect(all.length).toBeGreaterThan(15);
    for (const verdict of all) {
      if (verdict.fits !== 'key') throw new Error(`a packet fits ${verdict.fits}`);
      expect(verdict.key.scope).toBe('derived');
      expect(verdict.opened.nextHeader).toBe(4);
      const { layers } = decodeIpPacket(verdict.opened.inner);
      expect(layers.map(({ kind }) => kind).slice(0, 4)).toEqual(['ipv4', 'udp', 'vxlan', 'ethernet']);
    }
  });

  test('opens with no other key, in no other direction, after no flipped bit, and not without extended sequence numbers', () => {
    expect(fits(verdicts(name, espKeyring([secret('00'.repeat(20))], NODES)))).toEqual(['none']);
    const swapped: EspKeys = (source, destination, spi) =>
      keyring(destination, source, spi).filter(({ scope }) => scope === 'derived');
    expect(fits(verdicts(name, swapped))).toEqual(['none']);
    const plain: EspKeys = (...pair) => keyring(...pair).map((key) => ({ ...key, extendedSequence: false }));
    expect(fits(verdicts(name, plain))).toEqual(['none']);
    const otherBoot = NODES.map((node) => ({ ...node, bootId: node.name === 'a' ? 'f'.repeat(36) : node.bootId }));
    expect(fits(verdicts(name, espKeyring([secret(PSK)], otherBoot)))).toEqual(['none']);
    for (const { packet, layer } of esp(name)) {
      const bytes = packet.bytes.slice();
      const at = layer.offset + 4 + (layer.sequence % (packet.payload.length + 4));
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(tryEspKeys({ ...packet, bytes }, layer, keyring).fits).toBe('none');
    }
  });

  test('has no key if the Secret has another id', () => {
    expect(fits(verdicts(name, espKeyring([secret(PSK, '4+')], NODES)))).toEqual(['no key']);
  });
});

test('ESP of 1.14.5 opens with the key of the Secret itself, and is named as such', () => {
  for (const name of ['esp114-br0', 'esp114-n4-eth0']) {
    const all = verdicts(name);
    expect(all.length).toBeGreaterThan(10);
    expect(all.map((verdict) => verdict.fits === 'key' && verdict.key.scope)).toEqual(all.map(() => 'global'));
  }
});

test('a capture without ESP has none', () => {
  expect(esp('plain-br0')).toEqual([]);
});

test('what pods sent is found inside the opened packets, and nowhere outside them', () => {
  const marker = Buffer.from('A'.repeat(48));
  const inside: Frame[] = verdicts('esp-br0').flatMap((verdict, index) =>
    verdict.fits === 'key'
      ? [
          {
            index,
            time: 0,
            linkType: LinkType.raw,
            originalLength: verdict.opened.inner.length,
            bytes: verdict.opened.inner,
          },
        ]
      : [],
  );
  expect(new MarkerSearch(new Map([['m', marker]])).feed(inside).length).toBeGreaterThan(3);
  const outside = esp('esp-br0').map(({ packet: { bytes } }, index) => ({
    index,
    time: 0,
    linkType: LinkType.ethernet,
    originalLength: bytes.length,
    bytes,
  }));
  expect(new MarkerSearch(new Map([['m', marker]])).feed(outside)).toEqual([]);
});

const VECTOR =
  '000000030000000117afa4f05f5e6eb2bed24520ffba17d732e59ffae97b439183bb53e05d6fc2a8f56b9ac0d3ff492c57236c22eeba2843bf02ef29926723eb856c106f3fcc30135aa9a6fb6e375b3d46aec34bded96904d48f76b8f8ac69ba4ca03e58a76e1ee18a98c506d8865c98ca16a695368c8c9cf4ce9f3293f6f0ad86d66f9f1597d4eb298bf303ea648b5f386b0fb58176fc2cebd7cd92205f187df97d793a970dbc3b';

describe('the known packet', () => {
  const packet = Buffer.from(VECTOR, 'hex');
  const key = {
    material: Buffer.from('72136d285dd74d8903d70a918043d91db5ad5217', 'hex'),
    icvLength: 16,
    extendedSequence: true,
  } as const;

  test('opens to 134 bytes of IP, UDP 8472, VXLAN and an echo request', () => {
    const opened = openEsp(packet, key);
    expect(opened?.nextHeader).toBe(4);
    expect(opened?.inner).toHaveLength(134);
    expect(decodeIpPacket(opened?.inner ?? new Uint8Array()).layers.map(({ kind }) => kind)).toEqual([
      'ipv4',
      'udp',
      'vxlan',
      'ethernet',
      'ipv4',
      'icmp',
    ]);
  });

  test('does not open cut anywhere, with one bit changed anywhere, or as of another 2^32 packets', () => {
    for (let length = 0; length < packet.length; length++)
      expect(openEsp(packet.subarray(0, length), key)).toBeUndefined();
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const changed = Buffer.from(packet);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openEsp(changed, key), `bit ${bit}`).toBeUndefined();
    }
    expect(openEsp(packet, key, 1)).toBeUndefined();
    expect(openEsp(packet, { ...key, icvLength: 12 })).toBeUndefined();
    expect(openEsp(packet, { ...key, material: Buffer.alloc(7) })).toBeUndefined();
  });
});
