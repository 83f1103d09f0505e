import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { WGLAB_HERE } from './support/wglab.ts';

/** The path of a program that runs `TOOL -t SECONDS -- COMMAND` on a kernel that has WireGuard. */
const TOOL = process.env.WGLAB_KERNEL_VM;
/** An emulated machine is some twenty times slower than this one. */
const LIMIT_S = 900;

const title = 'smoke passes with the WireGuard of the kernel';

if (TOOL === undefined) {
  it.skip(`${title}: skipped, for WGLAB_KERNEL_VM names no machine with such a kernel`);
} else {
  it(title, { timeout: (LIMIT_S + 30) * 1000 }, () => {
    // The machine's one console has both streams: the messages next to the JSON are printed only if it fails.
    const run = '"$@" smoke -o json 2> "$WGLAB_HOME/told"; status=$?; [ $status -eq 0 ] || cat "$WGLAB_HOME/told"';
    const script = `WGLAB_HOME=$(mktemp -d) && export WGLAB_HOME && ${run}; echo "exit status $status"`;
    const words = ['-t', String(LIMIT_S), '--', 'sh', '-c', script, 'sh', process.execPath, WGLAB_HERE];
    const { stdout, stderr } = spawnSync(TOOL, words, { encoding: 'utf8', maxBuffer: 64 << 20 });
    expect(stdout, stderr).toMatch(/^exit status 0\r?$/m);
    const result = JSON.parse(stdout.slice(stdout.indexOf('{'), stdout.lastIndexOf('}') + 1));
    expect(result.verdict).toBe('pass');
    expect(result.phases.map(({ name, verdict }: { name: string; verdict: string }) => [name, verdict])).toEqual(
      ['deploy', 'plaintext', 'encrypt on', 'ciphertext', 'encrypt off', 'plaintext again', 'destroy'].map((name) => [
        name,
        'pass',
      ]),
    );
    expect(result.phases[0].detail).toContain('WireGuard by the kernel');
  });
}
