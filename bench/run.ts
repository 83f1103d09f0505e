import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './machine.ts';
import type { Bench, Measure, Row } from './measure.ts';
import { readingCaptures } from './measures/captures.ts';
import { deploying } from './measures/deploy.ts';
import { help } from './measures/help.ts';
import { memory } from './measures/memory.ts';
import { scale } from './measures/scale.ts';
import { smoke } from './measures/smoke.ts';
import { status } from './measures/status.ts';
import { verifying } from './measures/verify.ts';
import { markdownTable } from './table.ts';

// How fast and how large is wglab? `npm run bench -- [MEASURE…] [--rounds N] [--json FILE] [--wglab PROGRAM]`

const MEASURES: { [name: string]: Measure } = {
  help,
  status,
  deploy: deploying,
  verify: verifying,
  smoke,
  scale,
  captures: readingCaptures,
  memory,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, rounds: { type: 'string' }, wglab: { type: 'string', default: 'bin/wglab' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(MEASURES);
const unknown = names.filter((name) => !(name in MEASURES));
if (unknown.length > 0) {
  console.error(`there is no measure ${unknown.join(', ')}; there are ${Object.keys(MEASURES).join(', ')}`);
  process.exit(2);
}

process.on('SIGINT', () => undefined); // the running command gets it too, and ends; then everything is removed below
const scratch = mkdtempSync(join(tmpdir(), 'wglab-bench-'));
const home = join(scratch, 'home');
const bench: Bench = {
  scratch,
  folderOf: (lab) => join(home, lab),
  rounds: (usual) => Number(values.rounds ?? usual),
  wglab: (...args) => timed([values.wglab, ...args]),
  run: (argv, lab) => timed(argv, lab),
  tell: (text) => console.error(text),
};
try {
  const about = machine();
  const rows: Row[] = [];
  for (const name of names) {
    bench.tell(`${name} …`);
    rows.push(...((await MEASURES[name]?.(bench)) ?? []));
  }
  console.log(`${markdownTable(rows)}\n\n${about}. Medians, with the smallest and the largest.`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: about, rows }, null, 2)}\n`);
} finally {
  spawnSync(values.wglab, ['destroy', '--all'], { env: { ...process.env, WGLAB_HOME: home }, stdio: 'ignore' });
  rmSync(scratch, { recursive: true, force: true });
}

function timed([command = '', ...args]: readonly string[], lab?: string): number {
  const kubeconfig = lab === undefined ? {} : { KUBECONFIG: join(home, lab, 'kubeconfig') };
  const began = performance.now();
  const { status, stderr, error } = spawnSync(command, args, {
    env: { ...process.env, WGLAB_HOME: home, ...kubeconfig },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  const seconds = (performance.now() - began) / 1000;
  if (error) throw error;
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status}:\n${stderr}`);
  return seconds;
}
