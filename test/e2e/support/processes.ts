import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process of a lab, as it can be told from all others. */
export interface LabProcess {
  pid: number;
  /** Clock ticks since the machine started: with the pid it names one process for ever. */
  started: string;
  /** The program's own words, NULs as spaces. */
  command: string;
  name: string;
  /** The real user's id. */
  user: number;
}

/** The processes and namespaces of a state folder's labs at one moment. */
export interface Census {
  processes: LabProcess[];
  /** Such as net:[4026532000]; none of the machine's own. */
  namespaces: string[];
  /** The start of the machine's youngest process: what started later is not in the census, even if it reuses a process id. */
  at: number;
}

const KINDS = ['net', 'mnt', 'pid', 'uts', 'ipc', 'user'];

/** All processes whose environment or command line has the folder, and all their descendants. Those that have ended are none. */
export function census(folder: string): Census {
  const all = everybody();
  const found = new Set(all.filter(({ pid }) => carries(pid, folder)).map(({ pid }) => pid));
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  const ours = new Set(KINDS.map((kind) => namespaceOf('self', kind)));
  const processes = all.filter(({ pid }) => found.has(pid) && pid !== process.pid && !Number.isNaN(userOf(pid)));
  const namespaces = processes.flatMap(({ pid }) => KINDS.flatMap((kind) => namespaceOf(pid, kind) ?? []));
  return {
    processes: processes.map(({ pid, started, name }) => ({
      pid,
      started,
      name,
      command: words(pid),
      user: userOf(pid),
    })),
    namespaces: [...new Set(namespaces)].filter((namespace) => !ours.has(namespace)),
    at: Math.max(...all.map(({ started }) => Number(started))),
  };
}

/**
 * Returns in words what is left of a census. A process that has ended, but that its parent has not reaped yet, counts as
 * gone, and so does a namespace that only it is in.
 */
export function leftOf({ processes, namespaces, at }: Census): string[] {
  const old = everybody().filter(({ started }) => Number(started) <= at);
  const now = new Set(old.map(({ pid, started }) => `${pid}.${started}`));
  const present = new Set(old.flatMap(({ pid }) => KINDS.flatMap((kind) => namespaceOf(pid, kind) ?? [])));
  return [
    ...processes.filter(({ pid, started }) => now.has(`${pid}.${started}`)).map(identityOf),
    ...namespaces.filter((namespace) => present.has(namespace)),
  ];
}

export function identityOf({ pid, command, name }: LabProcess): string {
  return `${pid} ${command || name}`;
}

/** The memory of processes, in MB: what they share is counted once, in shares (PSS). */
export function memoryOf(processes: readonly LabProcess[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { pid, name } of processes) {
    const kilobytes = /^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? '0';
    sums.set(name, (sums.get(name) ?? 0) + Number(kilobytes) / 1024);
  }
  return sums;
}

function carries(pid: number, folder: string): boolean {
  return textOf(`/proc/${pid}/environ`).includes(`WGLAB_HOME=${folder}\0`) || words(pid).includes(`=${folder}/`);
}

function everybody(): { pid: number; parent: number; started: string; name: string }[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const stat = textOf(`/proc/${entry}/stat`);
      const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (!state || 'ZX'.includes(state)) return [];
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      return [{ pid: Number(entry), parent: Number(parent), started: rest[17] ?? '', name }];
    });
}

function userOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? Number.NaN);
}

function words(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function namespaceOf(pid: number | 'self', kind: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined; // it has ended
  }
}
