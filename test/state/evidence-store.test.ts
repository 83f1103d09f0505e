import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ExitCode } from '../../src/errors.ts';
import { processIdentity } from '../../src/process/identity.ts';
import {
  checkEmptyFolder,
  claimFolder,
  keepEvidence,
  labEvidence,
  labsWithEvidence,
  listEvidence,
  newEvidenceFolder,
  pruneEvidence,
  purgeEvidence,
  releaseFolder,
} from '../../src/state/evidence-store.ts';
import { checkLabName } from '../../src/state/lab-name.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'wglab-store-'));
  vi.stubEnv('WGLAB_HOME', home);
});
afterEach(() => rm(home, { recursive: true }));

/** A run that is over, at noon of a day in January. */
async function pastRun(day: number): Promise<string> {
  const folder = await newEvidenceFolder('one', new Date(`2026-01-${String(day).padStart(2, '0')}T12:00:00.000Z`));
  await releaseFolder(folder);
  return folder;
}

describe('a new evidence folder', () => {
  test('is outside the folder of the lab, and for its owner only', async () => {
    const folder = await newEvidenceFolder('one', new Date('2026-01-02T03:04:05.678Z'));
    expect(folder).toMatch(new RegExp(`^${home}/evidence/one/2026-01-02T03-04-05.678Z-[0-9a-f]{8}$`));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await labsWithEvidence()).toEqual(['one']);
  });

  test('has a name of its own, even if a hundred runs begin in one millisecond', async () => {
    const now = new Date();
    const folders = await Promise.all(Array.from({ length: 100 }, () => newEvidenceFolder('one', now)));
    expect(new Set(folders).size).toBe(100);
  });

  test('is in nobody else’s way: no lab can be called as the store is', () => {
    expect(() => checkLabName('evidence')).toThrow('cannot be the name of a lab');
  });
});

describe('a folder that a person names', () => {
  const refused = { exitCode: ExitCode.usage, message: expect.stringContaining('is not empty') };

  test('may be missing or empty, and is refused if it holds anything', async () => {
    await claimFolder(join(home, 'new/deep'));
    await mkdir(join(home, 'full'));
    await writeFile(join(home, 'full/notes.txt'), 'mine');
    await expect(claimFolder(join(home, 'full'))).rejects.toMatchObject(refused);
    await expect(checkEmptyFolder(join(home, 'full'))).rejects.toMatchObject(refused);
    expect(await readdir(join(home, 'full'))).toEqual(['notes.txt']);
    await checkEmptyFolder(join(home, 'nowhere'));
  });

  test('goes to one of many runs that want it at once', async () => {
    const runs = await Promise.allSettled(Array.from({ length: 20 }, () => claimFolder(join(home, 'one'))));
    expect(runs.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('is refused with its reason if a file is in its place', async () => {
    await writeFile(join(home, 'file'), '');
    await expect(claimFolder(join(home, 'file'))).rejects.toMatchObject({ exitCode: ExitCode.lacking });
  });
});

describe('old evidence', () => {
  test('stays unless somebody configured otherwise', () => {
    expect(keepEvidence({})).toBeUndefined();
    expect(keepEvidence({ WGLAB_KEEP_EVIDENCE: 'all' })).toBeUndefined();
    expect(keepEvidence({ WGLAB_KEEP_EVIDENCE: '20' })).toEqual({ runs: 20 });
    expect(keepEvidence({ WGLAB_KEEP_EVIDENCE: '90d' })).toEqual({ days: 90 });
    for (const wrong of ['0', '-1', '0d', 'some', '1.5', '10w']) {
      expect(() => keepEvidence({ WGLAB_KEEP_EVIDENCE: wrong })).toThrow(wrong);
    }
  });

  test('is removed by number, this run counted', async () => {
    const [a, b, c] = [await pastRun(1), await pastRun(2), await pastRun(3)];
    expect(await pruneEvidence('one', { runs: 3 }, c)).toEqual([]);
    expect(await pruneEvidence('one', { runs: 2 }, c)).toEqual([basename(a)]);
    expect(await listEvidence('one')).toEqual([b, c]);
  });

  test('is never that of the run that removes, even if the clock was set back', async () => {
    const [a, b] = [await pastRun(20), await pastRun(21)];
    const current = await pastRun(1);
    expect(await pruneEvidence('one', { runs: 1 }, current)).toEqual([basename(a), basename(b)]);
    expect(await listEvidence('one')).toEqual([current]);
    expect(await pruneEvidence('one', { days: 1 }, current)).toEqual([]);
  });

  test('is removed by age', async () => {
    const [old, young] = [await pastRun(1), await pastRun(9)];
    const current = await pastRun(10);
    const now = Date.parse('2026-01-10T12:00:01.000Z');
    expect(await pruneEvidence('one', { days: 9 }, current, now)).toEqual([basename(old)]);
    expect(await listEvidence('one')).toEqual([young, current]);
  });

  test('is never a folder that the store did not make, or that of a run that is still going on', async () => {
    const foreign = join(labEvidence('one'), 'before-the-audit');
    await mkdir(foreign, { recursive: true });
    await newEvidenceFolder('one', new Date('2026-01-01T00:00:00.000Z'));
    const dead = await newEvidenceFolder('one', new Date('2026-01-02T00:00:00.000Z'));
    await writeFile(join(dead, '.incomplete'), String(processIdentity()).replace(/\.\d+\./, '.1.'));
    expect(await pruneEvidence('one', { runs: 1 }, await pastRun(10))).toEqual([basename(dead)]);
    expect(await readdir(foreign)).toEqual([]);
    expect(await listEvidence('one')).toHaveLength(2);
  });

  test('is removed as a whole with --purge', async () => {
    await pastRun(1);
    await purgeEvidence('one');
    await purgeEvidence('two');
    expect(await labsWithEvidence()).toEqual([]);
    expect(await listEvidence('one')).toEqual([]);
  });
});
