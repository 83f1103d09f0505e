import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { inject, judgeRun, makeRun } from './run.ts';
import { CONTENTS, WAYS } from './ways.ts';

const FORMS = Object.keys(CONTENTS);

/** The cells that say `pass`, each of which docs/what-a-pass-says.md names. */
const DOCUMENTED: ReadonlySet<string> = new Set([]);

const matrix = new Map<string, string[]>();

describe('ways to leak', () => {
  test('there are at least 60', () => expect(Object.keys(WAYS).length).toBeGreaterThanOrEqual(60));

  test('the run that they are added to passes', async () => {
    expect((await judgeRun(makeRun({ nodes: 2 }))).verdict).toBe('pass');
  });

  test.each(Object.entries(WAYS))('%s', async (name, way) => {
    const verdicts = await Promise.all(
      FORMS.map(async (form) => {
        const run = makeRun({ nodes: 2 });
        inject(run, 'n1', ...way(run, CONTENTS[form]?.(run) ?? []));
        const result = await judgeRun(run);
        const captured = result.taps.reduce((sum, tap) => sum + tap.packets, 0);
        expect(result.classes.reduce((sum, { packets }) => sum + packets, 0)).toBe(captured);
        return result.verdict ?? '';
      }),
    );
    matrix.set(name, verdicts);
    const passed = FORMS.filter((form, i) => verdicts[i] === 'pass' && !DOCUMENTED.has(`${name}: ${form}`));
    expect(passed).toEqual([]);
  });

  test('what passes all the same is in the documentation', async () => {
    const docs = await readFile(join(import.meta.dirname, '../../docs/what-a-pass-says.md'), 'utf8');
    for (const cell of DOCUMENTED) expect(docs).toContain(cell);
  });

  afterAll(() => {
    const width = Math.max(...[...matrix.keys()].map((name) => name.length));
    const line = (cells: readonly string[]) => cells.map((cell) => cell.padEnd(13)).join('');
    process.stdout.write(
      [
        `${''.padEnd(width)}  ${line(FORMS)}`,
        ...[...matrix].map(([name, verdicts]) => `${name.padEnd(width)}  ${line(verdicts)}`),
        '',
      ].join('\n'),
    );
  });
});
