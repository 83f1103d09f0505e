import { expect, test } from 'vitest';
import { chooseEngine } from '../../src/operations/choose-engine.ts';

test('a cluster that is there already needs no lab that was made for it: it keeps its own workloads', async () => {
  expect(await chooseEngine('kubernetes', ['embedded', 'containerlab'])).toEqual({
    engine: 'kubernetes',
    why: 'as asked',
  });
});

test('an engine that makes the cluster needs a lab that runs on it', async () => {
  await expect(chooseEngine('containerlab', ['embedded'])).rejects.toThrow(/does not run on the engine "containerlab"/);
});
