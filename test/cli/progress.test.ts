import { expect, test } from 'vitest';
import { plainProgress, spinningProgress } from '../../src/cli/progress.ts';
import { createPalette } from '../../src/text/style.ts';

test('in a log, a step that lasts says again and again what it waits for, and nothing once it is done', async () => {
  let said = '';
  const output = {
    write(text: string) {
      said += text;
    },
  };
  const progress = plainProgress(output, createPalette(false), 20);
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

test.each([
  [undefined, 0],
  [1, 1],
  [20, 20],
  [300, 40],
])('a spinner on %s columns never draws more than one row', async (columns, most) => {
  const drawn: string[] = [];
  let erased = 0;
  const output = { columns, write: (text: string) => void drawn.push(text), eraseRow: () => void erased++ };
  const progress = spinningProgress(output, createPalette(false));
  progress.step('Waiting for the nodes');
  progress.update('b is not Ready');
  if (columns !== undefined) await expect.poll(() => drawn.length).toBeGreaterThan(1);
  const rows = [...drawn];
  progress.done();
  for (const row of rows) expect(row.length).toBeLessThan(Math.max(1, most));
  expect(drawn.at(-1)).toMatch(/^✓ Waiting for the nodes \d/);
  expect(erased).toBe(rows.length);
});
