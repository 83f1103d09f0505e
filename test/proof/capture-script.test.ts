import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProcess } from '../../src/process/tool.ts';
import { startCapture } from '../../src/proof/live/tap.ts';

test('a capture ends even if the request to end comes before tcpdump listens for it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wglab-tap-'));
  try {
    // As tcpdump does, it takes its time until it asks for SIGINT; started in the background, it ignores it until then.
    const slow =
      '#!/usr/bin/env perl\nprint STDERR "begun\\n"; select(undef, undef, undef, 0.5); $SIG{INT} = sub { exit 0 }; sleep 1 while 1;\n';
    writeFileSync(join(folder, 'tcpdump'), slow, { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const plan = { node: 'a', interface: 'eth0', direction: 'out' } as const;
    const capture = await startCapture(async (_node, argv) => startProcess(argv, {}, env), plan);
    await new Promise((resolve) => capture.stderr.once('data', resolve));
    capture.stdin.end();
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'it still runs').unref());
    const ended = await Promise.race([capture.exited, late]);
    capture.kill();
    expect(ended).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
