import { rounds } from './pairs.ts';

/** The default number of ordered pairs to probe: all pairs of up to 20 nodes. */
export const DEFAULT_PAIRS = 400;

/**
 * Returns the ordered pairs to probe: undefined for all if they are no more than `bound`, else about `bound` of them, always
 * both ways, chosen at random and spread evenly: each node is in as many pairs as any other, plus or minus one. `shuffled` is
 * the nodes in random order.
 */
export function samplePairs(shuffled: readonly string[], bound: number): [string, string][] | undefined {
  const count = shuffled.length * (shuffled.length - 1);
  if (count <= bound) return undefined;
  // In each round of the circle method every node has one partner.
  const pairs = rounds(shuffled).flat();
  return pairs.slice(0, Math.max(1, Math.floor(bound / 2))).flatMap(([a, b]) => [
    [a, b],
    [b, a],
  ]);
}

/** Returns the items in random order (Fisher and Yates); `randomBelow(n)` returns 0 to n-1. */
export function shuffle<T>(items: readonly T[], randomBelow: (n: number) => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    const j = randomBelow(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}
