import { PassThrough } from 'node:stream';
import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { plainProgress } from '../../src/cli/progress.ts';

test('in a log, a step that lasts says again and again what it waits for, and nothing once it is done', async () => {
  const stream = new PassThrough();
  let said = '';
  stream.on('data', (chunk) => {
    said += chunk;
  });
  const progress = plainProgress(stream, new Chalk({ level: 0 }), 20);
  progress.step('Making the nodes');
  await expect.poll(() => said).toMatch(/^… Making the nodes: not done yet, 0\.\d s so far\n/);
  progress.update('waiting, at most 60 s, for b: not Ready');
  await expect
    .poll(() => said)
    .toMatch(/… Making the nodes: waiting, at most 60 s, for b: not Ready, 0\.\d s so far\n/);
  progress.done();
  const ended = said;
  expect(ended).toMatch(/✓ Making the nodes 0\.\d s\n$/);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(said).toBe(ended);
});
