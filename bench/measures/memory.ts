import { readdirSync, readFileSync } from 'node:fs';
import { type Bench, type Row, summary } from '../measure.ts';

const LAB = 'bench-memory';

/** Measures the memory of all processes of a running lab; shared pages count once (PSS). */
export function memory(bench: Bench): Row[] {
  bench.wglab('deploy', '--name', LAB);
  try {
    const megabytes = () =>
      labProcesses(bench.folderOf(LAB)).reduce((sum, pid) => sum + proportionalSize(pid), 0) / 1e6;
    const rows: Row[] = [];
    const row = (measure: string) => {
      const wglab = summary([megabytes()]);
      rows.push({ measure, unit: 'MB', wglab, reach: '< 150 MB', reached: wglab.median < 150 });
    };
    row('memory of a standing lab, 3 nodes, WireGuard off');
    bench.wglab('encrypt', 'on', LAB);
    row('memory of a standing lab, 3 nodes, WireGuard on');
    bench.wglab('verify', LAB, '--expect', 'encrypted');
    row('memory of a standing lab, 3 nodes, after a verify');
    return rows;
  } finally {
    bench.wglab('destroy', LAB);
  }
}

/** The lab's first process carries its folder as an argument; all others descend from it. */
function labProcesses(folder: string): number[] {
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    parents.set(pid, Number(/\nPPid:\t(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0));
    const words = read(`/proc/${pid}/cmdline`).split('\0');
    if (words.some((word) => word === folder || word.endsWith(`=${folder}`))) found.add(pid);
  }
  if (found.size === 0) throw new Error(`no process of the lab in ${folder}`);
  const belongs = (pid: number): boolean => found.has(pid) || (pid > 1 && belongs(parents.get(pid) ?? 0));
  return [...parents.keys()].filter(belongs);
}

/** In bytes; 0 for a process that has ended meanwhile. */
function proportionalSize(pid: number): number {
  return Number(/\nPss: +(\d+) kB/.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // processes come and go
  }
}
