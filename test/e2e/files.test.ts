import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Home } from './support/wglab.ts';

const folder = mkdtempSync(join(tmpdir(), 'wglab-files-'));
const fifo = join(folder, 'fifo');
const socket = join(folder, 'socket');
const empty = join(folder, 'empty');
let home: Home;
let server: Server;

beforeAll(async () => {
  home = new Home();
  execFileSync('mkfifo', [fifo]);
  writeFileSync(empty, '');
  server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});

afterAll(async () => {
  server.close();
  await home.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** The options that name a file to read. */
const INPUTS: readonly (readonly [what: string, args: (file: string) => string[]])[] = [
  ['a capture', (file) => ['explain', '--pcap', file]],
  ['keys', (file) => ['explain', '--pcap', empty, '--keys', file]],
  ['a private key', (file) => ['explain', '--pcap', empty, '--private-key', file]],
  ['a Secret', (file) => ['explain', '--pcap', empty, '--esp-secret', file]],
  ['a topology', (file) => ['deploy', '--topology', file]],
  ['a lab', (file) => ['workshop', file, '--auto']],
  ['a kubeconfig', (file) => ['deploy', '--engine', 'kubernetes', '--kubeconfig', file]],
  ['evidence', (file) => ['verify', '--from', file]],
];

describe.each(INPUTS)('as %s', (_, args) => {
  it.each([
    ['a FIFO that nobody writes to', fifo],
    ['a device without end', '/dev/zero'],
    ['a socket', socket],
    ['a folder', folder],
    ['an empty file', empty],
    ['a file without end', '/proc/kcore'],
    ['nothing', join(folder, 'none')],
  ])('%s is wrong input, at once', async (_, file) => {
    // For a capture or a Secret, a FIFO is read like standard input: it may come from `<(command)`.
    if (file === fifo && ['--pcap', '--esp-secret'].includes(args(file).at(-2) ?? '')) return;
    const { status, stderr } = await home.run(args(file));
    expect([2, 3], stderr).toContain(status);
    expect(stderr).not.toContain('bug in wglab');
  });
});

it('one Ctrl-C ends the reading of a FIFO whose writer says nothing, and of silent standard input', async () => {
  const writer = spawn('sh', ['-c', 'exec sleep 600 > "$1"', 'sh', fifo]);
  try {
    const reading = home.start(['explain', '--pcap', fifo]);
    const input = home.start(['explain', '--pcap', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const command of [reading, input]) {
      command.child.kill('SIGINT');
      const { status, signal } = await command.ended.then(({ status }) => ({
        status,
        signal: command.child.signalCode,
      }));
      // Before wglab listens to it, the signal ends Node itself.
      expect(status === 130 || signal === 'SIGINT').toBe(true);
    }
  } finally {
    writer.kill('SIGKILL');
  }
});

it('a report goes nowhere that it cannot be written to, and wglab says so before it works', async () => {
  for (const target of [folder, join(folder, 'none/report.xml')]) {
    const { stderr } = await home.expects(2, ['smoke', '--junit', target]);
    expect(stderr).toContain(`cannot write ${target}`);
    expect(stderr).not.toContain('Making');
  }
});

it('a full disk is named, with nothing half-written on it', async () => {
  const small = mkdtempSync(join(tmpdir(), 'wglab-small-'));
  const script = `mount -t tmpfs -o size="$3",mode=700 tmpfs "$4" || exit 99
    cd "$4" && "$1" "$2" verify --evidence ev; echo "verify $?"; ls -A | wc -l
    "$1" "$2" capture --node wireguard-worker -c 400 -w wire.pcap; echo "capture $?"; ls -A | wc -l
    "$1" "$2" labs > /dev/full; echo "labs $?"`;
  try {
    await home.expects(0, ['deploy']);
    const { stdout } = await home.shell(
      `unshare --mount sh -c '${script.replaceAll("'", "'\\''")}' sh "$1" "$2" 8k '${small}' || echo "$?"`,
    );
    const lines = stdout.split('\n').filter((line) => /^(verify|capture|labs) \d+$|^\d+$/.test(line));
    expect(lines).toEqual(['verify 4', '0', 'capture 4', '0', 'labs 4']);
  } finally {
    rmSync(small, { recursive: true, force: true });
    expect(readdirSync(folder)).toContain('fifo');
  }
});
