import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usageFailure } from '../errors.ts';
import { isAlive, processIdentity } from '../process/identity.ts';
import { checkLabName, EVIDENCE_STORE, isLabName } from './lab-name.ts';
import { stateRoot } from './state-root.ts';
import { makePrivateFolder, storageFailure } from './whole-file.ts';

/** In an evidence folder until its run is over; it holds the identity of the process that writes there. */
const CLAIM_FILE = '.incomplete';

/** TIME-ID, as `newEvidenceFolder` makes it. */
const RUN_NAME = /^(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z)-[0-9a-f]{8}$/;

/** The folder of all evidence of a lab's runs. It outlives the lab. */
export function labEvidence(lab: string): string {
  return join(stateRoot(), EVIDENCE_STORE, checkLabName(lab));
}

/** Makes a folder for the evidence of one run, of a name that no other run has, even one of the same millisecond. */
export async function newEvidenceFolder(lab: string, now = new Date()): Promise<string> {
  const parent = labEvidence(lab);
  await makePrivateFolder(parent);
  for (;;) {
    const folder = join(parent, `${now.toISOString().replaceAll(':', '-')}-${randomBytes(4).toString('hex')}`);
    try {
      await mkdir(folder, { mode: 0o700 });
      await claim(folder);
      return folder;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw storageFailure(error, `make the folder ${folder}`);
    }
  }
}

/** Makes a folder that a person named ready for one run. Throws a usage Failure if it holds anything, or if another run has it. */
export async function claimFolder(folder: string): Promise<void> {
  await makePrivateFolder(folder);
  try {
    await claim(folder);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw notEmpty(folder);
    throw storageFailure(error, `write to ${folder}`);
  }
  if ((await readdir(folder)).length === 1) return;
  await releaseFolder(folder);
  throw notEmpty(folder);
}

/** Throws a usage Failure if a folder is there and holds anything. */
export async function checkEmptyFolder(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw storageFailure(error, `read the folder ${folder}`);
  });
  if (entries.length > 0) throw notEmpty(folder);
}

/** The run of this folder is over. */
export async function releaseFolder(folder: string): Promise<void> {
  await rm(join(folder, CLAIM_FILE), { force: true });
}

/** How much evidence is kept: the last so many runs, or those that are not older than so many days. */
export type Keep = { runs: number } | { days: number };

/** Reads `WGLAB_KEEP_EVIDENCE`: `100`, `90d`, or `all`, which undefined stands for and which is the default. */
export function keepEvidence(environment: NodeJS.ProcessEnv = process.env): Keep | undefined {
  const text = environment.WGLAB_KEEP_EVIDENCE ?? '';
  if (text === '' || text === 'all') return undefined;
  const [, number, days] = /^([1-9]\d{0,5})(d?)$/.exec(text) ?? [];
  if (number === undefined) {
    throw usageFailure(`WGLAB_KEEP_EVIDENCE is ${JSON.stringify(text)}`, {
      remedy: 'Set it to a number of runs (100), to a number of days (90d), or to "all".',
    });
  }
  return days ? { days: Number(number) } : { runs: Number(number) };
}

const DAY_MS = 86_400_000;

/**
 * Removes the evidence of old runs of a lab and returns the names of the folders. Never removes `current`, a run that is still
 * going on, or a folder that this store did not make.
 */
export async function pruneEvidence(lab: string, keep: Keep, current: string, now = Date.now()): Promise<string[]> {
  const folder = labEvidence(lab);
  const runs = (await readdir(folder)).filter((name) => RUN_NAME.test(name) && join(folder, name) !== current).sort();
  const old =
    'runs' in keep ? runs.slice(0, Math.max(0, runs.length + 1 - keep.runs)) : runs.filter(isOlder(keep, now));
  const removed: string[] = [];
  for (const name of old) {
    if (await isGoingOn(join(folder, name))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/** The folders with the evidence of a lab's runs, oldest first by their names. */
export async function listEvidence(lab: string): Promise<string[]> {
  const folder = labEvidence(lab);
  return (await entriesOf(folder)).filter((name) => RUN_NAME.test(name)).map((name) => join(folder, name));
}

/** The names of all labs that there is evidence of. */
export async function labsWithEvidence(): Promise<string[]> {
  return (await entriesOf(join(stateRoot(), EVIDENCE_STORE))).filter(isLabName);
}

/** Removes all evidence of a lab. */
export async function purgeEvidence(lab: string): Promise<void> {
  const folder = labEvidence(lab);
  await rm(folder, { recursive: true, force: true }).catch((error) => {
    throw storageFailure(error, `remove ${folder}`);
  });
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw storageFailure(error, `read the folder ${folder}`);
  }
}

/** Throws EEXIST if another run was first: of many at once, one gets it. */
async function claim(folder: string): Promise<void> {
  await writeFile(join(folder, CLAIM_FILE), processIdentity() ?? '', { flag: 'wx', mode: 0o600 });
}

async function isGoingOn(folder: string): Promise<boolean> {
  const identity = await readFile(join(folder, CLAIM_FILE), 'utf8').catch(() => '');
  return isAlive(identity);
}

function isOlder({ days }: { days: number }, now: number): (name: string) => boolean {
  return (name) => {
    const [, date = '', time = ''] = /^(.{10})T(.{12})Z/.exec(name) ?? [];
    return now - Date.parse(`${date}T${time.replaceAll('-', ':')}Z`) > days * DAY_MS;
  };
}

function notEmpty(folder: string): Error {
  return usageFailure(`${folder} is not empty`, {
    remedy: 'Name a folder that does not exist yet, so that no other evidence is overwritten.',
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
