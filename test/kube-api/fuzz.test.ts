import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from './support/api-lab.ts';
import { hostileRequest } from './support/hostile-requests.ts';

/** WGLAB_FUZZ_RUNS makes it longer, WGLAB_FUZZ_SEED makes it the same again. */
const RUNS = Number(process.env.WGLAB_FUZZ_RUNS ?? 300);
const SEED = Number(process.env.WGLAB_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(() => lab.close());

it(`the server refuses what it cannot use, and never breaks (seed ${SEED})`, { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(hostileRequest, async ({ method, path, type, body }) => {
      const answer = await lab.fetch(path, { method, body, headers: { 'content-type': type } });
      // Kubernetes itself answers 500 to an apply whose fields are not in the schema.
      const typed = answer.text.includes('failed to create typed patch object');
      if (!typed) expect(answer.status, `${answer.text.slice(0, 500)} ${lab.logged.at(-1)}`).toBeLessThan(500);
      expect(lab.logged).toEqual([]);
      for (const name of ['default', 'kube-system'])
        if (!lab.store.get('Namespace', undefined, name))
          lab.store.create({
            apiVersion: 'v1',
            kind: 'Namespace',
            metadata: { name },
            spec: {},
            status: { phase: 'Active' },
          });
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect((await lab.fetch('/readyz')).status).toBe(200);
});
