/**
 * Every unordered pair of nodes exactly once, in rounds in which no node is busy twice: n-1 rounds for an even number of
 * nodes, n for an odd one. The circle method of round-robin tournaments: one seat is fixed, the others move on by one each
 * round, and who sits opposite each other is a pair. An odd number gets an empty seat.
 */
export function rounds(nodes: readonly string[]): [string, string][][] {
  const seats: (string | null)[] = nodes.length % 2 === 0 ? [...nodes] : [...nodes, null];
  const [fixed, ...moving] = seats;
  if (fixed === undefined) return [];
  return moving.map((_, turn) => {
    const circle = [fixed, ...moving.slice(turn), ...moving.slice(0, turn)];
    return opposite(circle).filter(hasTwo);
  });
}

/** Every ordered pair of different nodes, in the order of the nodes. */
export function orderedPairs(nodes: readonly string[]): [string, string][] {
  return nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to): [string, string] => [from, to]));
}

function opposite<T>(circle: readonly T[]): [T, T][] {
  const half = circle.length / 2;
  return circle.slice(0, half).flatMap((seat, i): [T, T][] => {
    const other = circle.at(-1 - i);
    return other === undefined ? [] : [[seat, other]];
  });
}

function hasTwo(pair: [string | null, string | null]): pair is [string, string] {
  return pair[0] !== null && pair[1] !== null;
}
