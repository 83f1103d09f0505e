import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { type Census, census, identityOf, leftOf } from './processes.ts';
import { until } from './until.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));

/** The program under test where it was built; another build of it by WGLAB_BIN. */
export const WGLAB_HERE = process.env.WGLAB_BIN ?? join(CHECKOUT, 'bin', 'wglab');

/** The same where any user can run it. */
export const WGLAB = process.env.WGLAB_BIN ?? forEverybody(CHECKOUT);

/** The program of a checkout, or of a copy where other users cannot enter the checkout: some tests run it as one of them. */
function forEverybody(checkout: string): string {
  const program = join(checkout, 'bin', 'wglab');
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', 'test', '-r', program];
  if (process.getuid?.() !== 0 || spawnSync('setpriv', asNobody).status === 0) return program;
  const copy = mkdtempSync(join(tmpdir(), 'wglab-copy-'));
  chmodSync(copy, 0o755);
  afterAll(() => rmSync(copy, { recursive: true, force: true }));
  for (const part of ['bin', 'dist', 'labs', 'topologies', 'manifests', 'package.json']) {
    cpSync(join(checkout, part), join(copy, part), { recursive: true });
  }
  return join(copy, 'bin', 'wglab');
}

export interface Result {
  /** As a shell has it: 128 + the signal's number for a process that a signal ended. */
  status: number;
  stdout: string;
  stderr: string;
  /** In ms. */
  took: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Returns what it has printed so far, both streams. */
  printed(): string;
  /** Resolves when what it printed matches. Throws where it ended before. */
  prints(pattern: RegExp): Promise<void>;
  readonly ended: Promise<Result>;
}

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** A state folder of its own with wglab working in it, as root or as another user. */
export class Home {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly #as: readonly string[];

  /** `as` comes before the command line, to run it as another user or elsewhere. */
  constructor(options: { folder?: string; as?: readonly string[]; environment?: NodeJS.ProcessEnv } = {}) {
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'wglab-e2e-'));
    this.#as = options.as ?? [];
    const { WGLAB_LAB, WGLAB_ENGINE, CI, GITHUB_ACTIONS, FORCE_COLOR, ...inherited } = process.env;
    this.environment = { ...inherited, WGLAB_HOME: this.folder, ...options.environment };
  }

  start(args: readonly string[], options: SpawnOptions = {}): Running {
    return this.#spawn([...this.#as, process.execPath, WGLAB, ...args], options);
  }

  /** Runs a bash script whose "$@" is wglab; gives what the script gave. */
  async shell(script: string): Promise<Pick<Result, 'status' | 'stdout' | 'stderr'>> {
    const { took: _, ...result } = await this.#spawn(['bash', '-c', script, 'bash', process.execPath, WGLAB]).ended;
    return result;
  }

  #spawn(argv: readonly string[], options: SpawnOptions = {}): Running {
    const [command = '', ...rest] = argv;
    const began = performance.now();
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: this.environment, ...options });
    const output = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    let over = false;
    const ended = new Promise<Result>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        over = true;
        const status = code ?? 128 + (SIGNALS[signal as NodeJS.Signals] ?? 0);
        resolve({ status, ...output, took: performance.now() - began });
      });
    });
    const printed = () => output.stdout + output.stderr;
    return {
      child,
      pid: child.pid ?? 0,
      printed,
      ended,
      prints: (pattern) =>
        until(`${argv.join(' ')} to print ${pattern}, not ${printed()}`, () => {
          if (pattern.test(printed())) return true;
          if (over) throw new Error(`${argv.join(' ')} ended without printing ${pattern}:\n${printed()}`);
          return false;
        }),
    };
  }

  run(args: readonly string[], options?: SpawnOptions): Promise<Result> {
    return this.start(args, options).ended;
  }

  /** Runs a command that must end with this exit status; gives its standard output. */
  async expects(status: number, args: readonly string[]): Promise<Result> {
    const result = await this.run(args);
    expect(result.status, `wglab ${args.join(' ')}\n${result.stderr}${result.stdout}`).toBe(status);
    return result;
  }

  /** The processes and namespaces of all labs of this home, and of wglab itself working in it. */
  census(): Census {
    return census(this.folder);
  }

  /** The process that is the cluster: Node with the engine's program. */
  engine(): number[] {
    return this.census()
      .processes.filter(({ name, command }) => name === 'node' && command.includes('embedded-engine.js'))
      .map(({ pid }) => pid);
  }

  endEngine(): void {
    const engines = this.engine();
    expect(engines).toHaveLength(1);
    for (const pid of engines) killIfThere(pid);
  }

  /** Destroys a lab and checks that nothing is left: of what was there before, and of what can be found now. */
  async destroy(name = 'wireguard'): Promise<Result> {
    const before = this.census();
    const result = await this.expects(0, ['destroy', name]);
    this.expectNothingLeft(before);
    return result;
  }

  expectNothingLeft(before: Census): void {
    expect(leftOf(before), 'processes and namespaces of before').toEqual([]);
    expect(this.census().processes.map(identityOf), 'processes that carry the state folder').toEqual([]);
    // Evidence outlives its lab.
    const files = existsSync(this.folder) ? readdirSync(this.folder).filter((name) => name !== 'evidence') : [];
    expect(files, 'files').toEqual([]);
  }

  /** Ends whatever a failed test left, and removes the folder. */
  async dispose(): Promise<void> {
    await this.run(['destroy', '--all']);
    for (const { pid } of this.census().processes) killIfThere(pid);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function killIfThere(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (!(pid > 0)) throw new Error(`no process has the number ${pid}`); // 0 would be this process's own group
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A home of an ordinary user. `before` comes before the change of user, to prepare something as root. */
export function homeOfUser(uid: number, before: readonly string[] = []): Home {
  const folder = mkdtempSync(join(tmpdir(), 'wglab-e2e-user-'));
  chmodSync(folder, 0o777);
  const as = [...before, 'setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'];
  return new Home({ folder: join(folder, 'home'), as, environment: { HOME: folder } });
}
