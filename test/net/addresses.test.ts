import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CidrSet,
  cidrHasBytes,
  formatHardwareAddress,
  formatIpv4,
  formatIpv6,
  parseCidr,
  parseIp,
} from '../../src/net/addresses.ts';

const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
// With zeros, so that there is something to shorten.
const sixteen = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
  .map(([bytes, zero]) => bytes.map((byte, i) => (zero[i >> 1] ? 0 : byte)));

describe('IP addresses', () => {
  test('are the same after writing and reading, wherever in the bytes they stand', () => {
    fc.assert(
      fc.property(fc.oneof(four, sixteen), fc.nat(9), (bytes, offset) => {
        const within = new Uint8Array(offset + bytes.length);
        within.set(bytes, offset);
        const text = bytes.length === 4 ? formatIpv4(within, offset) : formatIpv6(within, offset);
        expect(parseIp(text)).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  // The platform's own URL parser writes addresses as RFC 5952 says, but for those that embed IPv4.
  test('of IPv6 are written as RFC 5952 says', () => {
    fc.assert(
      fc.property(sixteen, (bytes) => {
        const groups = Array.from({ length: 8 }, (_, i) =>
          (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
        );
        const text = formatIpv6(bytes);
        if (!text.startsWith('::ffff:')) expect(`[${text}]`).toBe(new URL(`http://[${groups.join(':')}]`).hostname);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['FE80:0:0:0:0:0:0:1', 'fe80::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is written %s', (text, written) => {
    expect(formatIpv6(parseIp(text) ?? new Uint8Array(0))).toBe(written);
  });

  test.each(['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', 'fe80::1%eth0', ':::', '1:2:3:4:5:6:7', 'host'])(
    '%j is none',
    (text) => {
      expect(parseIp(text)).toBeUndefined();
    },
  );
});

test('hardware addresses are written with colons', () => {
  expect(formatHardwareAddress(Uint8Array.of(9, 0xee, 0, 1, 0x0a, 0xff, 0x66), 1)).toBe('ee:00:01:0a:ff:66');
});

describe('blocks of addresses', () => {
  test('have the members that node:net says', () => {
    const block = fc.oneof(fc.tuple(four, four, fc.nat(32)), fc.tuple(sixteen, sixteen, fc.nat(128)));
    fc.assert(
      fc.property(block, fc.nat(128), ([network, other, prefix], shared) => {
        // An address that begins as the network does, so that both answers come up.
        const address = other.map((byte, i) => (i < shared / 8 ? (network[i] ?? 0) : byte));
        const format = network.length === 4 ? formatIpv4 : formatIpv6;
        const family = network.length === 4 ? 'ipv4' : 'ipv6';
        const list = new BlockList();
        list.addSubnet(format(network), prefix, family);
        const cidr = parseCidr(`${format(network)}/${prefix}`);
        const expected = list.check(format(address), family);
        expect(cidr && cidrHasBytes(cidr, address)).toBe(expected);
        expect(cidr && new CidrSet([cidr]).has(format(address))).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '/8', '10.0.0.0/-1', '10.0.0.0/1e1', 'x/8'])(
    '%j is none',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  test('may be a lone address, and do not mix families', () => {
    const lone = parseCidr('10.0.0.7');
    const all = parseCidr('::/0');
    expect(lone).toEqual({ bytes: Uint8Array.of(10, 0, 0, 7), prefix: 32 });
    const set = new CidrSet([lone, all].filter((cidr) => cidr !== undefined));
    expect(['10.0.0.7', '10.0.0.8', 'fd00::1', '10.0.0.7', 'nonsense'].map((text) => set.has(text))).toEqual([
      true,
      false,
      true,
      true,
      false,
    ]);
  });
});
