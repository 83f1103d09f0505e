import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { labFailure } from '../../errors.ts';
import { isAlive, pidOf, processIdentity } from '../../process/identity.ts';

/** In the environment of every process of a lab but those of its containers: whose it is. */
export const LAB_VARIABLE = 'WGLAB_LAB_FOLDER';
const LAB_ARGUMENT = '--wglab-lab=';

/** The process that carries the lab's argument before the engine itself does. */
const BEFORE_ENGINE = ['unshare', 'setpriv', 'sh'];

/** It takes some 60 ms; a machine without hardware virtualisation is twenty times slower. */
const END_MS = 30_000;
const LOOK_AGAIN_MS = 2;
/** How long `unshare` may take to end after its child; then it was stopped, and is ended too. */
const UNSHARE_MS = 1_000;

/**
 * The argument by which a lab's processes are found in /proc, so that no file has to be right for destroy to work. The
 * folder's own path, by whatever other path (through a symbolic link, say) the person came to it.
 */
export function markOf(labFolder: string): string {
  try {
    return LAB_ARGUMENT + join(realpathSync(dirname(labFolder)), basename(labFolder));
  } catch {
    return LAB_ARGUMENT + labFolder; // there is no such folder any more
  }
}

/** Whether the lab's engine runs: the last of the three processes that carry the mark as an argument. */
export function holderStands(labFolder: string): boolean {
  const mark = markOf(labFolder);
  return processIds().some((pid) => {
    const words = wordsOf(pid, 'cmdline');
    return words.includes(mark) && !BEFORE_ENGINE.includes(words[0] ?? '') && isOwn(pid);
  });
}

/**
 * Ends a lab's holder and waits until no process of it is left, for 30 s at most; throws Failure 5 naming those that stay.
 * A process that has ended and only waits for its parent to take note has nothing any more: some machines' init takes a
 * second for that, and that of a container may never do it.
 */
export async function endHolder(labFolder: string): Promise<void> {
  const mark = markOf(labFolder);
  const outside = pidNamespace(process.pid);
  const deadline = Date.now() + END_MS;
  for (;;) {
    const living = processesOf(mark);
    if (living.length === 0) return;
    // The lab's init ends once the kernel has ended all others in there. `unshare`, outside, is left to take note of that.
    const inside = living.filter((pid) => pidNamespace(pid) !== outside);
    const ended = identitiesOf(inside.length > 0 ? inside : living);
    for (const identity of ended) end(identity);
    await untilEnded(ended, deadline);
    await untilEnded(identitiesOf(living), Math.min(deadline, Date.now() + UNSHARE_MS)).catch(() => undefined);
  }
}

async function untilEnded(identities: readonly string[], deadline: number): Promise<void> {
  while (identities.some(isAlive)) {
    if (Date.now() > deadline) throw stillThere(identities.filter(isAlive));
    await delay(LOOK_AGAIN_MS); // the kernel tells nobody but the parent: look again
  }
}

function identitiesOf(pids: readonly number[]): string[] {
  return pids.flatMap((pid) => processIdentity(pid) ?? []);
}

function stillThere(identities: readonly string[]): Error {
  const pids = identities.map(pidOf).join(' ');
  return labFailure(`processes of the lab did not end within ${END_MS / 1000} s: ${pids}`, {
    remedy: `kill -9 ${pids}`,
  });
}

/** The processes that carry the mark, and those that share a PID namespace with one of them. The caller's own; root's are all. */
function processesOf(mark: string): number[] {
  const variable = `${LAB_VARIABLE}=${mark}`;
  const all = processIds().filter((pid) => pid !== process.pid && isOwn(pid));
  const marked = all.filter(
    (pid) => wordsOf(pid, 'cmdline').includes(mark) || wordsOf(pid, 'environ').includes(variable),
  );
  if (marked.length === 0) return [];
  const namespaces = new Set(marked.map(pidNamespace));
  namespaces.delete(pidNamespace(process.pid));
  namespaces.delete(undefined);
  const members = all.filter((pid) => namespaces.has(pidNamespace(pid)));
  return [...new Set([...marked, ...members])];
}

function end(identity: string): void {
  try {
    process.kill(pidOf(identity) ?? 0, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function isOwn(pid: number): boolean {
  const user = process.getuid?.();
  try {
    return user === 0 || statSync(`/proc/${pid}`).uid === user;
  } catch {
    return false; // it ended while we looked
  }
}

function wordsOf(pid: number, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return []; // ended, or not ours to look at
  }
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // ended, or not ours to look at
  }
}
