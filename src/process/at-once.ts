/** How many nodes are worked on at once: each takes a few processes, and more than a few times the cores only queue. */
const AT_ONCE = 8;

/** Maps a list with a few of its values under way at once. */
export async function atOnce<T, R>(values: readonly T[], work: (value: T) => Promise<R[]>): Promise<R[]> {
  const results: R[][] = [];
  const queue = values.entries();
  const worker = async () => {
    for (const [i, value] of queue) results[i] = await work(value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results.flat();
}
