// Runs the benchmarks of bench/ on the built wglab: npm run bench -- [MEASURE…] [--rounds N] [--json FILE]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const folder = mkdtempSync(join(tmpdir(), 'wglab-bench-program-'));
process.on('SIGINT', () => undefined); // the benchmarks hear it too and clean up; then this ends with them
try {
  await build({
    entryPoints: { run: 'bench/run.ts', 'read-pcap': 'bench/read-pcap.ts' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    logLevel: 'warning',
  });
  const { status } = spawnSync(process.execPath, [join(folder, 'run.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
