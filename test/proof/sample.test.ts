import fc from 'fast-check';
import { expect, it } from 'vitest';
import { samplePairs, shuffle } from '../../src/proof/sample.ts';

const nodes = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);

it('looks at all pairs up to the bound', () => {
  expect(samplePairs(nodes(20), 400)).toBeUndefined();
  expect(samplePairs(nodes(21), 400)).toHaveLength(400);
});

it('samples different pairs, both ways, no more than asked for, and spreads them evenly over the nodes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 40 }), fc.integer({ min: 2, max: 500 }), (count, bound) => {
      const names = nodes(count);
      const pairs = samplePairs(names, bound);
      if (!pairs) {
        expect(count * (count - 1)).toBeLessThanOrEqual(bound);
        return;
      }
      expect(pairs.length).toBe(bound - (bound % 2));
      const words = new Set(pairs.map(String));
      expect(words.size).toBe(pairs.length);
      for (const [from, to] of pairs) {
        expect(from).not.toBe(to);
        expect(words.has(`${to},${from}`)).toBe(true);
      }
      const times = names.map((name) => pairs.filter(([from]) => from === name).length);
      // An odd number of nodes leaves one out in each round.
      expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(count % 2 === 0 ? 1 : 2);
    }),
  );
});

it('shuffles to every order there is', () => {
  const orders = new Set<string>();
  for (const first of [0, 1, 2]) {
    for (const second of [0, 1]) {
      const chances = [first, second];
      orders.add(shuffle(['a', 'b', 'c'], () => chances.shift() ?? 0).join(''));
    }
  }
  expect([...orders].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
});
