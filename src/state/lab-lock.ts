import { mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { labFailure } from '../errors.ts';
import { isAlive, pidOf, processIdentity } from '../process/identity.ts';
import { checkLabName } from './lab-name.ts';
import { stateRoot } from './state-root.ts';
import { makePrivateFolder, storageFailure } from './whole-file.ts';

/** Held by the one process that may change a lab. */
export interface LabLock {
  /** Lets the next one in. Happens by itself when the process ends; doing it twice does no harm. */
  release(): void;
}

/**
 * Takes the lock of a lab's name, or throws a lab failure that says who holds it, by pid, and since when. What a dead
 * process still held is taken over.
 *
 * The lock is the folder `NAME.lock` with one empty file in it, named after the process that holds it. Both are made aside and
 * then moved into place: the kernel replaces a folder by another only where it is empty, so of many at once one gets in.
 * Nobody can remove the lock of a live process by mistake: only the file of one dead process is removed.
 */
export async function lockLab(name: string): Promise<LabLock> {
  const root = stateRoot();
  const folder = join(root, `${checkLabName(name)}.lock`);
  const identity = processIdentity();
  if (identity === undefined) throw labFailure('wglab cannot see itself in /proc', { remedy: 'Mount /proc.' });
  await makePrivateFolder(root);
  try {
    sweep(root, name);
    while (!moveIn(folder, identity)) {
      const holder = livingHolder(folder);
      if (holder) throw heldBy(name, holder);
    }
  } catch (error) {
    throw storageFailure(error, `lock the lab "${name}" with ${folder}`);
  }
  const release = () => {
    process.off('exit', release);
    rmSync(join(folder, identity), { force: true });
    removeIfEmpty(folder);
  };
  process.on('exit', release);
  return { release };
}

/** Whether the lock folder is now this process's. */
function moveIn(folder: string, identity: string): boolean {
  const aside = mkdtempSync(`${folder}-${identity}-`);
  try {
    writeFileSync(join(aside, identity), '');
    renameSync(aside, folder);
    return true;
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

interface Holder {
  pid: number;
  since: Date;
}

/** Returns the process that holds the lock. Removes the files of those that died with it. */
function livingHolder(folder: string): Holder | undefined {
  for (const identity of entriesOf(folder)) {
    const file = join(folder, identity);
    if (isAlive(identity)) {
      const since = statSync(file, { throwIfNoEntry: false })?.mtime;
      if (since) return { pid: pidOf(identity) ?? 0, since };
    } else {
      rmSync(file, { recursive: true, force: true });
    }
  }
  return undefined;
}

function heldBy(name: string, { pid, since }: Holder): Error {
  const who = pid === process.pid ? 'this process' : `another wglab (pid ${pid})`;
  return labFailure(`the lab "${name}" is being changed by ${who}, since ${since.toISOString()}`, {
    remedy: `Wait until it is done, or end it with \`kill ${pid}\`.`,
  });
}

/** Removes the folders that others had prepared when they were killed. */
function sweep(root: string, name: string): void {
  const prefix = `${name}.lock-`;
  for (const entry of entriesOf(root)) {
    if (!entry.startsWith(prefix)) continue;
    const identity = entry.slice(prefix.length).split('-')[0] ?? '';
    if (!isAlive(identity)) rmSync(join(root, entry), { recursive: true, force: true });
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Not empty means that the next one is in already. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
