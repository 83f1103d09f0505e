import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderedPairs, rounds } from '../../src/proof/pairs.ts';

const nodes = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);

test('every pair meets once, in the fewest rounds, and nobody is in two places at once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 41 }), (count) => {
      const all = rounds(nodes(count));
      const met = all.flat().map((pair) => [...pair].sort().join(' '));
      expect(new Set(met).size).toBe(met.length);
      expect(met).toHaveLength((count * (count - 1)) / 2);
      expect(all).toHaveLength(count < 2 ? (count === 1 ? 1 : 0) : count % 2 === 0 ? count - 1 : count);
      for (const round of all) expect(new Set(round.flat()).size).toBe(round.length * 2);
    }),
  );
});

test('ordered pairs', () => {
  expect(orderedPairs(['a', 'b'])).toEqual([
    ['a', 'b'],
    ['b', 'a'],
  ]);
  expect(orderedPairs(nodes(40))).toHaveLength(1560);
});
