import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RuntimeRefusal } from '../../../src/kube-api/runtime.ts';
import { checksumOf, type ExecServer, randomInput, settled, startChild, startExecServer, until } from './support.ts';

/** `kubectl` of this machine, and others named by WGLAB_TEST_KUBECTLS, separated by colons. */
const kubectls = [
  'kubectl',
  ...(process.env.WGLAB_TEST_KUBECTLS ?? '').split(':').filter((name) => name !== ''),
].filter((name) => spawnSync(name, ['version', '--client'], { stdio: 'ignore' }).status === 0);
const cases = kubectls.flatMap((kubectl) => [
  { kubectl, upgrade: 'websocket' },
  { kubectl, upgrade: 'SPDY/3.1' },
]);

let server: ExecServer;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'wglab-kubectl-'));
  server = await startExecServer((argv) => {
    if (argv[0] === 'refused') throw new RuntimeRefusal('container main is not running');
    return startChild(argv);
  });
});
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

describe.skipIf(kubectls.length === 0).each(cases)('$kubectl over $upgrade', ({ kubectl, upgrade }) => {
  const commandLine = (flags: readonly string[], argv: readonly string[]) => [
    ...['--server', server.url, '--certificate-authority', server.caFile, '--token', 'none', '-n', 'nc'],
    ...['exec', ...flags, 'x', '--', ...argv],
  ];
  const environment = () => ({
    PATH: process.env.PATH,
    HOME: home,
    KUBECONFIG: '/dev/null',
    KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(upgrade === 'websocket'),
  });
  const launch = (flags: readonly string[], ...argv: string[]) =>
    spawn(kubectl, commandLine(flags, argv), { env: environment() });
  const run = async (flags: readonly string[], ...argv: string[]) => {
    const child = launch(flags, ...argv);
    child.stdin.end();
    const closed = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await closed;
    expect(server.upgrades.at(-1)).toBe(upgrade);
    return { stdout, stderr, code };
  };

  test('the outputs stay apart, and success is 0', async () => {
    expect(await run([], 'sh', '-c', 'echo out; echo err >&2')).toEqual({ stdout: 'out\n', stderr: 'err\n', code: 0 });
  });

  test.each([3, 127, 137])('exit code %i', async (code) => {
    const command = code === 137 ? 'kill -9 $$' : `exit ${code}`;
    const result = await run([], 'sh', '-c', command);
    expect(result).toEqual({ stdout: '', stderr: `command terminated with exit code ${code}\n`, code });
  });

  test('a command that cannot be started', async () => {
    const result = await run([], 'refused');
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('Internal error occurred: container main is not running');
    expect((await run([], '/no/such/command')).stderr).toContain('spawn /no/such/command ENOENT');
  });

  test('50 MB go in and come back', async () => {
    const { stream, checksum } = randomInput(50);
    const child = launch(['-i'], 'cat');
    const [, received] = await Promise.all([
      pipeline(stream(), child.stdin),
      checksumOf(child.stdout),
      once(child, 'close'),
    ]);
    expect(received).toBe(checksum);
    expect(child.exitCode).toBe(0);
  });

  test('a command that ends without reading its input', async () => {
    const child = launch(['-i'], 'sh', '-c', 'head -c 5 >/dev/null; echo done; exit 4');
    child.stdin.on('error', () => undefined);
    randomInput(20).stream().pipe(child.stdin);
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect({ output, code: child.exitCode }).toEqual({ output: 'done\n', code: 4 });
  });

  test('a command that floods is held up while kubectl is not read, and killed with it', async () => {
    const child = launch([], 'cat', '/dev/zero');
    child.stdout.pause();
    await until(
      'started',
      () => server.started.at(-1)?.argv[0] === 'cat' && server.started.at(-1)?.child.exitCode === null,
    );
    const process = server.started.at(-1);
    if (!process) throw new Error('not started');
    // Buffers of the kernel on the way: two pipes and a TCP connection.
    expect(await settled('output', process.taken)).toBeLessThan(24 * 1024 * 1024);
    child.kill('SIGKILL');
    await until('killed', process.killed);
    await process.exited;
  });

  test('kubectl killed while the command does not read its input', async () => {
    const child = launch(['-i'], 'sleep', '1000');
    child.stdin.on('error', () => undefined);
    randomInput(20).stream().pipe(child.stdin);
    await until('started', () => server.started.at(-1)?.argv[1] === '1000' && !server.started.at(-1)?.killed());
    const process = server.started.at(-1);
    if (!process) throw new Error('not started');
    await settled('input', () => child.stdin.writableLength);
    child.kill('SIGKILL');
    await until('killed', process.killed);
    await process.exited;
  });

  test('a terminal and its sizes', async () => {
    const words = [kubectl, ...commandLine(['-it'], ['sh', '-c', 'read line; echo "got $line"; exit 5'])];
    const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const go = path.join(home, 'go');
    spawnSync('mkfifo', [go]);
    // Opening a FIFO waits for the other end.
    const resize = `(read line <'${go}'; stty -F /dev/tty cols 120 rows 50) &`;
    const script = `stty cols 91 rows 33; ${resize} exec ${quoted}`;
    const before = server.started.length;
    const terminal = spawn('script', ['-qec', script, '/dev/null'], { env: { ...environment(), SHELL: '/bin/sh' } });
    const output = text(terminal.stdout);
    await until('first size', () => (server.started[before]?.sizes.length ?? 0) > 0);
    const process = server.started[before];
    writeFileSync(go, 'go\n');
    rmSync(go);
    // stty sets one side after the other, and kubectl tells both.
    await until('second size', () => process?.sizes.at(-1)?.join() === '120,50');
    terminal.stdin.write('hello\n');
    await once(terminal, 'close');
    expect(process?.sizes[0]).toEqual([91, 33]);
    expect(await output).toContain('got hello');
    expect(terminal.exitCode).toBe(5);
  });
});
