import { readFileSync } from 'node:fs';

/** Returns a text that identifies one process among all of this machine, also among later ones with the same number. */
export function processIdentity(pid = process.pid): string | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : `${pid}.${started}.${bootId()}`;
}

/** The process number in an identity, or undefined where the text is none. */
export function pidOf(identity: string): number | undefined {
  const pid = /^(\d+)\.\d+\.[0-9a-f]+$/.exec(identity)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Whether the process of that identity still lives. */
export function isAlive(identity: string): boolean {
  const pid = pidOf(identity);
  if (pid === undefined) return false;
  const now = processIdentity(pid);
  return now === undefined ? isHidden(pid) && identity.endsWith(`.${bootId()}`) : now === identity;
}

/** Field 22 of /proc/PID/stat, in clock ticks since the machine started; undefined for a process that is not there or only waits to be reaped. */
function startTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field, the command's name in parentheses, may hold spaces and parentheses of its own.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : rest[18];
}

/** If /proc is mounted with hidepid, other users' processes exist without being listed. */
function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Process numbers and start times begin again with every boot of the machine. */
function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
}
