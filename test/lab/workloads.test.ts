import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Manifest, readManifests } from '../../src/lab/manifests.ts';
import { packageRoot } from '../../src/lab/package-root.ts';

/**
 * Both pods in one network namespace, each in a root with nothing but busybox, as on the embedded engine; and tcpdump
 * between them. Standard input is the backend's switch: a line starts it, the next stops it.
 */
const STAGE = `
set -e
cp "$(command -v busybox)" "$1/busybox"
for pod in frontend backend; do
  mkdir -p "$1/$pod/bin" "$1/$pod/etc" "$1/$pod/dev" "$1/$pod/tmp"
  cp "$1/busybox" "$1/$pod/bin/busybox"
  "$1/busybox" --list | grep -vx busybox | while read applet; do ln -s busybox "$1/$pod/bin/$applet"; done
  echo '127.0.0.1 backend' > "$1/$pod/etc/hosts"
  : > "$1/$pod/dev/null"
  mount --bind /dev/null "$1/$pod/dev/null"
done
ip link set lo up
: > "$1/tcpdump.log"
tcpdump $4 -i lo -U -w "$1/wire.pcap" tcp port 8080 2> "$1/tcpdump.log" &
until grep -q 'listening on' "$1/tcpdump.log"; do kill -0 $!; done
chroot "$1/frontend" /bin/sh -c "$2" &
read line
chroot "$1/backend" /bin/sh -c "$3" &
backend=$!
read line
kill $backend
read line
`;

describe('frontend and backend', () => {
  let folder: string;
  let stage: ChildProcess;
  let output = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wglab-workloads-'));
    await mkdir(join(folder, 'frontend'));
    const manifests = await readManifests([join(packageRoot(), 'manifests/frontend-backend.yaml')]);
    const asRoot = process.getuid?.() === 0;
    const scripts = ['frontend', 'backend'].map((name) => scriptOf(manifests, name));
    await writeFile(join(folder, 'stage.sh'), STAGE);
    // tcpdump as user 0 of a user namespace fails at giving up its rights, as itself it does not try.
    const user = asRoot ? [] : ['--user', '--map-current-user', '--keep-caps'];
    const argv = [
      ...user,
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      'sh',
      join(folder, 'stage.sh'),
      folder,
      ...scripts,
      asRoot ? '-Zroot' : '',
    ];
    stage = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    stage.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  });
  afterAll(async () => {
    stage.kill('SIGKILL');
    if (stage.exitCode === null && stage.signalCode === null) await once(stage, 'exit');
    await rm(folder, { recursive: true });
  });

  /** Waits for a line of the frontend's log after what was there before. */
  async function logged(pattern: RegExp): Promise<void> {
    const before = output.length;
    await expect.poll(() => output.slice(before), { timeout: 15_000 }).toMatch(pattern);
  }

  test('the frontend asks before, while and after there is a backend, and says so', async () => {
    await logged(/^\d\d:\d\d:\d\d GET \/api\/config: no answer, will try again \(.*\)$/m);
    stage.stdin?.write('start\n');
    await logged(/^\d\d:\d\d:\d\d GET \/api\/users: \d{3} characters\n.* GET \/api\/config: \d{3} characters$/m);
    stage.stdin?.write('stop\n');
    await logged(/GET \/api\/users: no answer, will try again/);
  });

  test('the wire shows every kind of secret, both ways', async () => {
    const shown = await textOf('tcpdump', ['-Z', 'root', '-A', '-r', join(folder, 'wire.pcap')]);
    for (const secret of [
      /^Authorization: Bearer eyJ[\w-]+\.eyJ[\w-]+\.FAKE-SIGNATURE\r?$/m,
      /^Authorization: Basic [\w=]+\r?$/m,
      /^X-API-Key: sk_live_FAKE/m,
      /^Cookie: session=fake/m,
      /"password": "fake/,
      /"aws_access_key_id": "AKIA/,
      /"database_url": "postgres:\/\/shop:fake/,
      /"stripe_api_key": "sk_live_FAKE/,
    ]) {
      expect(shown).toMatch(secret);
    }
  });
});

function scriptOf(manifests: readonly Manifest[], name: string): string {
  const manifest = manifests.find(({ object }) => object.kind === 'Deployment' && object.metadata.name === name);
  const spec = manifest?.object.spec as { template: { spec: { containers: { command: string[] }[] } } } | undefined;
  const [shell, flag, script] = spec?.template.spec.containers[0]?.command ?? [];
  expect([shell, flag]).toEqual(['sh', '-c']);
  return script ?? '';
}

async function textOf(command: string, args: string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  await once(child, 'close');
  return Buffer.concat(chunks).toString('latin1');
}
