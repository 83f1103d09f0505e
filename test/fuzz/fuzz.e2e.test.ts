import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';

const SECONDS = Number(process.env.WGLAB_FUZZ_SECONDS ?? 20);
const SEED = Number(process.env.WGLAB_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

it(`whatever a stranger wrote is read or refused (seed ${SEED})`, { timeout: (SECONDS + 120) * 1000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wglab-fuzz-'));
  execFileSync(process.execPath, ['scripts/build.mjs', join(folder, 'program'), 'test/fuzz/run.ts']);
  const argv = [join(folder, 'program', 'bundled.js'), folder, String(SECONDS), String(SEED)];
  // A run that hangs is ended, and its input stays in the folder.
  const options = { reject: false, timeout: (SECONDS + 60) * 1000 };
  const { exitCode, stdout, stderr } = await execa(process.execPath, ['--max-old-space-size=200', ...argv], options);
  expect(exitCode, `the input is ${folder}/input\n${stderr.slice(0, 4000)}`).toBe(0);
  const { runs, megabytes } = JSON.parse(stdout);
  process.stderr.write(`fuzz: seed ${SEED}, ${JSON.stringify(runs)}, ${megabytes} MB\n`);
  for (const count of Object.values(runs)) expect(count).toBeGreaterThan(10);
  expect(megabytes).toBeLessThan(300);
  rmSync(folder, { recursive: true, force: true });
});
