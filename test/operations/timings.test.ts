import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Stopwatch, timingsOf } from '../../src/operations/timings.ts';

const sumOf = (result: ReturnType<typeof timingsOf>, of: string) =>
  result.timings.filter((one) => one.of === of).reduce((sum, { seconds }) => sum + seconds, 0);

test("what others did is taken out of wglab's own time, and two at once only once", async () => {
  let now = 1000;
  const watch = new Stopwatch(0, () => now);
  watch.step('Making the nodes');
  const images = watch.timed('images', 'tool', async () => {
    await null; // until the other has begun too
    await nodes;
    now = 9000;
  });
  const nodes = watch.timed('containerlab', 'tool', async () => {
    now = 7000;
  });
  await images;
  now = 9500;
  watch.step('Calico');
  await watch
    .timed('pods', 'cluster', async () => {
      now = 12_000;
      throw new Error('late');
    })
    .catch(() => undefined);
  now = 12_250;
  const result = watch.read();
  expect(result).toEqual({
    timings: [
      { step: 'Starting', seconds: 1, of: 'wglab' },
      { step: 'Making the nodes', seconds: 0.5, of: 'wglab' },
      { step: 'containerlab', seconds: 6, of: 'tool' },
      { step: 'images', seconds: 8, of: 'tool' },
      { step: 'Calico', seconds: 0.25, of: 'wglab' },
      { step: 'pods', seconds: 2.5, of: 'cluster' },
    ],
    ownSeconds: 1.75,
    totalSeconds: 12.25,
  });
});

test('own time is never negative, and with what others did it is all of the time', () => {
  const time = fc.integer({ min: 0, max: 100_000 });
  const span = fc.tuple(time, time).map(([a, b]) => ({ begin: Math.min(a, b), end: Math.max(a, b) }));
  fc.assert(
    fc.property(fc.array(time, { minLength: 1 }), fc.array(span), (begins, spans) => {
      const steps = begins.sort((a, b) => a - b).map((begin, i) => ({ name: `step ${i}`, begin }));
      const first = begins[0] ?? 0;
      const within = spans.filter(({ begin }) => begin >= first);
      const others = within.map((one) => ({ ...one, name: 'other', of: 'tool' as const }));
      const result = timingsOf(steps, others, 100_000);
      for (const { seconds } of result.timings) expect(seconds).toBeGreaterThanOrEqual(0);
      const covered = new Set(
        within.flatMap(({ begin, end }) => Array.from({ length: end - begin }, (_, i) => begin + i)),
      );
      expect(result.ownSeconds).toBeCloseTo((100_000 - first - covered.size) / 1000, 2);
      expect(sumOf(result, 'wglab')).toBeCloseTo(result.ownSeconds, 1);
    }),
    { numRuns: 30 },
  );
});
