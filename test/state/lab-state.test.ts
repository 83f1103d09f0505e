import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ExitCode, Failure } from '../../src/errors.ts';
import { processIdentity } from '../../src/process/identity.ts';
import { lockLab } from '../../src/state/lab-lock.ts';
import {
  type LabState,
  labPaths,
  listLabStates,
  readLabState,
  removeLabState,
  saveLabState,
} from '../../src/state/lab-state.ts';
import { stateRoot } from '../../src/state/state-root.ts';
import { writeWhole } from '../../src/state/whole-file.ts';

const STATE: LabState = {
  version: 1,
  name: 'one',
  engine: 'embedded',
  lab: '/labs/wireguard.md',
  topology: '/topologies/wireguard.clab.yml',
  createdAt: '2026-01-02T03:04:05.000Z',
  dataplane: 'userspace',
  nodes: ['wireguard-control-plane', 'wireguard-worker'],
  engineData: { holder: 42 },
};

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'wglab-state-'));
  vi.stubEnv('WGLAB_HOME', home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await chmod(home, 0o700);
  await rm(home, { recursive: true });
});

describe('where state is kept', () => {
  test.each([
    [{ WGLAB_HOME: '/x', XDG_STATE_HOME: '/y', HOME: '/h' }, '/x'],
    [{ WGLAB_HOME: '', XDG_STATE_HOME: '/y', HOME: '/h' }, '/y/wglab'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/h' }, '/h/.local/state/wglab'],
    [{ HOME: '/h' }, '/h/.local/state/wglab'],
  ])('%j', (environment, root) => {
    expect(stateRoot(environment)).toBe(root);
  });

  test.each([0o777, 0o770, 0o1777, 0o702])('not in a folder of mode %o, which others can write to', async (mode) => {
    await chmod(home, mode);
    expect(() => stateRoot()).toThrow(`other users can write to ${home}`);
    await expect(saveLabState(STATE)).rejects.toMatchObject({ exitCode: ExitCode.lacking });
    await chmod(home, 0o755);
    expect(stateRoot()).toBe(home);
  });

  test('not in a folder of somebody else', () => {
    vi.spyOn(process, 'geteuid').mockReturnValue((process.geteuid?.() ?? 0) + 1);
    expect(() => stateRoot()).toThrow(`${home} belongs to another user`);
    vi.restoreAllMocks();
  });

  test('never outside, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (name) => {
        try {
          expect(labPaths(name).state).toBe(`${home}/${name}/lab.json`);
          expect(name).toMatch(/^[a-z0-9-]{1,40}$/);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          expect(error.exitCode).toBe(ExitCode.usage);
        }
      }),
    );
  });
});

describe('the state of a lab', () => {
  test('comes back as it was saved, for its owner only, and leaves nothing when removed', async () => {
    expect(await readLabState('one')).toBeUndefined();
    await saveLabState(STATE);
    await saveLabState({ ...STATE, nodes: ['other'] });
    expect(await readLabState('one')).toEqual({ ...STATE, nodes: ['other'] });
    const { folder, state } = labPaths('one');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(state)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).sort()).toEqual(['.wglab', 'lab.json']);
    await mkdir(join(folder, 'more'));
    await removeLabState('one');
    await removeLabState('one');
    expect(await readdir(home)).toEqual([]);
  });

  test.each([
    ['{"version": 1', 'is not JSON'],
    ['[]', 'it holds no object'],
    [JSON.stringify({ ...STATE, version: 2 }), 'version 2 was written by another wglab'],
    [JSON.stringify({ ...STATE, name: 'two' }), 'it is of a lab named "two"'],
    [JSON.stringify({ ...STATE, engine: 'docker' }), 'there is no engine "docker"'],
    [JSON.stringify({ ...STATE, nodes: [1] }), '"nodes" must be a list of names'],
    [
      JSON.stringify({ ...STATE, linux: [{ name: 'alice' }] }),
      '"linux" must be a list of nodes, with name and interfaces',
    ],
    [JSON.stringify({ ...STATE, createdAt: 'today' }), '"createdAt" must be a time'],
  ])('that is broken is said to be: %s', async (text, message) => {
    await saveLabState(STATE);
    await saveLabState({ ...STATE, name: 'two' });
    await writeFile(labPaths('one').state, text);
    await mkdir(join(home, 'empty'));
    await mkdir(join(home, 'Not-a-lab'));
    await expect(readLabState('one')).rejects.toMatchObject({
      exitCode: ExitCode.labFailed,
      message: expect.stringContaining(message),
      remedy: expect.stringContaining('wglab destroy one'),
    });
    const known = await listLabStates();
    expect(known.map(({ name, state, problem }) => [name, state?.name, problem !== undefined])).toEqual([
      ['one', undefined, true],
      ['two', 'two', false],
    ]);
    await removeLabState('one');
    expect((await listLabStates()).map(({ name }) => name)).toEqual(['two']);
  });

  test('is not seen in a folder that wglab did not make, and nothing there is removed', async () => {
    const folder = join(home, 'documents');
    await mkdir(folder);
    await writeFile(join(folder, 'letter.txt'), 'mine');
    expect(await listLabStates()).toEqual([]);
    const refused = { exitCode: ExitCode.usage, message: expect.stringContaining('was not made by wglab') };
    await expect(removeLabState('documents')).rejects.toMatchObject(refused);
    await expect(saveLabState({ ...STATE, name: 'documents' })).rejects.toMatchObject(refused);
    expect(await readdir(folder)).toEqual(['letter.txt']);
  });

  test('that is not there at all is no labs', async () => {
    vi.stubEnv('WGLAB_HOME', join(home, 'none'));
    expect(await listLabStates()).toEqual([]);
  });

  test('where a file is in the place of the folder', async () => {
    await writeFile(join(home, 'file'), '');
    vi.stubEnv('WGLAB_HOME', join(home, 'file'));
    const doings = [() => saveLabState(STATE), listLabStates, () => readLabState('one'), () => lockLab('one')];
    for (const doing of doings) {
      await expect(doing()).rejects.toMatchObject({
        exitCode: ExitCode.lacking,
        message: expect.stringContaining(join(home, 'file')),
        remedy: expect.stringContaining('Move that file away'),
      });
    }
  });
});

/** A program around the real modules, for what only a process of its own can show. */
const PROGRAM = `
import { lockLab } from './src/state/lab-lock.ts';
import { writeWhole } from './src/state/whole-file.ts';
import { saveLabState } from './src/state/lab-state.ts';
import { openSync, closeSync, unlinkSync } from 'node:fs';
import { once } from 'node:events';
const [what, path, size] = process.argv.slice(2);
const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\\n');
try {
  if (what === 'write') await writeWhole(path, 'x'.repeat(Number(size)));
  if (what === 'save') await saveLabState(${JSON.stringify(STATE)});
  if (what === 'lock') {
    say('ready');
    await once(process.stdin, 'data');
    await lockLab('one');
    say('locked');
    await once(process.stdin, 'end');
    process.exit();
  }
  if (what === 'contend') {
    let entered = 0;
    while (entered < Number(size)) {
      const lock = await lockLab('one').catch((error) => { if (error.exitCode !== 5) throw error; });
      if (!lock) continue;
      closeSync(openSync(path, 'wx'));
      // Long enough for the others to try.
      for (let i = 0; i < 100; i++) await new Promise(setImmediate);
      entered += 1;
      unlinkSync(path);
      lock.release();
    }
  }
  say('done');
} catch (error) {
  say({ exitCode: error.exitCode, message: error.message, remedy: error.remedy });
  process.exit();
}
`;

let programs: string;
let program: string;
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'wglab-program-'));
  program = join(programs, 'program.mjs');
  await build({
    stdin: { contents: PROGRAM, resolveDir: process.cwd(), loader: 'js' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  // For the ordinary user of the tests below.
  await chmod(programs, 0o755);
});
afterAll(() => rm(programs, { recursive: true }));

/** Returns the last line that the program prints, parsed as JSON. */
async function answerOf(command: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
    execFile(command, args, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve({ stdout }),
    );
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('what the disk refuses', () => {
  test('a folder that one may not write to', async () => {
    await chmod(home, 0o555);
    // Root may write everywhere, so as root the tests become nobody.
    const asOrdinary =
      process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env'];
    const [command = '', ...args] = [...asOrdinary, process.execPath, program];
    const file = join(home, 'file');
    const remedy = expect.stringContaining('WGLAB_HOME');
    expect(await answerOf(command, ...args, 'write', file, '1')).toEqual({
      exitCode: ExitCode.lacking,
      message: `cannot write ${file}: permission denied`,
      remedy,
    });
    expect(await answerOf(command, ...args, 'save')).toEqual({
      exitCode: ExitCode.lacking,
      // As root, the folder is also somebody else's.
      message: expect.stringMatching(/one: permission denied$|belongs to another user/),
      remedy,
    });
  });

  test('a full disk, which keeps the file as it was, and one that is read-only', async () => {
    const script = `
      mount -t tmpfs -o size=64k tmpfs "$1" && cd "$1" && echo old > file
      "$2" "$3" write "$1/file" 1000000; cat file; ls -A | wc -l
      mount -t tmpfs -o ro tmpfs "$1"
      "$2" "$3" write "$1/file" 1; ls -A "$1" | wc -l`;
    const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
      const argv = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', home, process.execPath, program];
      execFile('unshare', argv, (error, stdout) => (error ? reject(error) : resolve({ stdout })));
    });
    const [full = '', kept, files, readOnly = '', none] = stdout.trim().split('\n');
    expect(JSON.parse(full)).toMatchObject({
      exitCode: ExitCode.lacking,
      message: `cannot write ${home}/file: the disk is full`,
    });
    expect(JSON.parse(readOnly)).toMatchObject({
      exitCode: ExitCode.lacking,
      message: `cannot write ${home}/file: the file system is read-only`,
    });
    expect([kept, files, none]).toEqual(['old', '1', '0']);
  });

  test('who reads while somebody writes sees one file or the other', async () => {
    const path = join(home, 'file');
    const contents = ['a'.repeat(100_000), 'b'.repeat(200_000)];
    await writeWhole(path, contents[0] ?? '', 0o640);
    let writing = true;
    const writes = Promise.all(
      Array.from({ length: 20 }, (_, i) => writeWhole(path, contents[i % 2] ?? '', 0o640)),
    ).finally(() => {
      writing = false;
    });
    while (writing) expect(contents).toContain(await readFile(path, 'utf8'));
    await writes;
    expect(await readdir(home)).toEqual(['file']);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });
});

describe('the lock of a lab', () => {
  const started: ChildProcess[] = [];
  afterEach(async () => {
    await Promise.all(
      started.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
  });

  interface Contender {
    child: ChildProcess;
    answer(): Promise<unknown>;
  }

  /** A process that is ready to lock; `go` on its standard input makes it, and the end of it makes it end. */
  async function contender(): Promise<Contender> {
    const child = spawn(process.execPath, [program, 'lock'], { stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const answer = async () => JSON.parse((await lines.next()).value ?? '"nothing"');
    expect(await answer()).toBe('ready');
    return { child, answer };
  }

  async function tryLock({ child, answer }: Contender): Promise<unknown> {
    child.stdin?.write('go\n');
    return answer();
  }

  test('goes to one of many at once, who is named to the others; and to the next when that one is killed', async () => {
    const contenders = await Promise.all(Array.from({ length: 5 }, contender));
    const answers = await Promise.all(contenders.map(tryLock));
    expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1);
    const winner = contenders[answers.indexOf('locked')]?.child;
    for (const answer of answers.filter((answer) => answer !== 'locked')) {
      expect(answer).toMatchObject({
        exitCode: ExitCode.labFailed,
        message: expect.stringMatching(
          new RegExp(`^the lab "one" is being changed by another wglab \\(pid ${winner?.pid}\\), since 20`),
        ),
        remedy: expect.stringContaining(`kill ${winner?.pid}`),
      });
    }
    await expect(lockLab('one')).rejects.toThrow(`pid ${winner?.pid}`);
    (await lockLab('two')).release();

    winner?.kill('SIGKILL');
    if (winner) await once(winner, 'exit');
    const heirs = await Promise.all(Array.from({ length: 4 }, contender));
    const seconds = await Promise.all(heirs.map(tryLock));
    expect(seconds.filter((answer) => answer === 'locked')).toHaveLength(1);
    for (const { child } of heirs) child.stdin?.end();
    await Promise.all(heirs.map(({ child }) => child.exitCode ?? once(child, 'exit')));
    expect(await readdir(home)).toEqual([]);
  });

  test('lets in one at a time, also where the dead have left theirs', async () => {
    await mkdir(join(home, 'one.lock'));
    await writeFile(join(home, 'one.lock', '99999999.1.00000000'), '');
    const critical = join(programs, 'critical');
    const all = Array.from({ length: 3 }, () => answerOf(process.execPath, program, 'contend', critical, '30'));
    expect(await Promise.all(all)).toEqual(['done', 'done', 'done']);
    expect(await readdir(home)).toEqual([]);
  });

  test('is not held by a later process of the same number, nor by what was put aside', async () => {
    const [pid, start, boot] = (processIdentity() ?? '').split('.');
    await mkdir(join(home, 'one.lock'));
    await writeFile(join(home, 'one.lock', `${pid}.${Number(start) - 1}.${boot}`), '');
    await mkdir(join(home, 'one.lock-99999999.1.00000000-aBcDeF'));
    const lock = await lockLab('one');
    await expect(lockLab('one')).rejects.toThrow('is being changed by this process');
    expect(await readdir(home)).toEqual(['one.lock']);
    lock.release();
    lock.release();
    expect(await readdir(home)).toEqual([]);
  });
});
