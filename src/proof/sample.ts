import { rounds } from './pairs.ts';

/** How many ordered pairs are looked at where nothing else is said: all of up to 20 nodes. */
export const DEFAULT_PAIRS = 400;

/**
 * Which ordered pairs to look at: undefined for all where they are no more than `bound`, else about `bound` of them, always
 * both ways, chosen by chance and spread evenly: each node is in as many pairs as any other, give or take one. `shuffled` is
 * the nodes in an order of chance.
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

/** The same in an order of chance (Fisher and Yates); `randomBelow(n)` gives 0 to n-1. */
export function shuffle<T>(items: readonly T[], randomBelow: (n: number) => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    const j = randomBelow(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}
