import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addressAt,
  bitsOf,
  familyOf,
  holds,
  isAddressOf,
  isNetworkOf,
  numbersOf,
} from '../../../../src/net/families.ts';

const addresses = fc.constantFrom(4 as const, 6 as const).chain((family) =>
  fc.record({
    family: fc.constant(family),
    number: fc.bigInt({ min: 0n, max: 2n ** BigInt(bitsOf(family)) - 1n }),
    prefixLength: fc.nat(bitsOf(family)),
  }),
);

test('an address and its number are one, in either family', () => {
  fc.assert(
    fc.property(addresses, ({ family, number, prefixLength }) => {
      const address = addressAt(number, family);
      expect(familyOf(address)).toBe(family);
      expect(isAddressOf(family, address)).toBe(true);
      expect(isAddressOf(family === 4 ? 6 : 4, address)).toBe(false);
      const { first } = numbersOf(`${address}/${prefixLength}`);
      const network = `${addressAt(first, family)}/${prefixLength}`;
      expect(isNetworkOf(family, network)).toBe(true);
      expect(isNetworkOf(family, `${address}/${prefixLength}`)).toBe(first === number);
      const size = 2n ** BigInt(bitsOf(family) - prefixLength);
      expect(number - first < size).toBe(true);
      expect([holds(network, address), first + size === 0n]).toEqual([true, false]);
      if (first > 0n) expect(holds(network, addressAt(first - 1n, family))).toBe(false);
    }),
  );
});

test.each(['fd00:10:244:0:0:0:0:1', 'FD00::1', 'fe80::1%eth0', '::1/128', '', undefined])(
  '%s is no address as the kernel writes them',
  (text) => expect(isAddressOf(6, text)).toBe(false),
);
