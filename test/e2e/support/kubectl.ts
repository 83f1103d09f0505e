import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { until } from './until.ts';

/** The oldest kubectl that wglab promises to work with. */
const OLDEST_MINOR = 30;

const named = (process.env.WGLAB_TEST_KUBECTLS ?? '').split(':').filter(Boolean);
const usable = ['kubectl', ...named].filter((binary) => minorOf(binary) >= OLDEST_MINOR);

/** Whether there is none of kubectl of the PATH and those that WGLAB_TEST_KUBECTLS names, separated by ':', or they are too old. */
export const NO_KUBECTL = usable.length === 0;

/** Those that can be used; where there is none, what is skipped is named after that. */
export const KUBECTLS: readonly string[] = NO_KUBECTL ? [`kubectl (there is none from 1.${OLDEST_MINOR} on)`] : usable;

function minorOf(binary: string): number {
  try {
    const version = execFileSync(binary, ['version', '--client', '-o', 'json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number.parseInt(JSON.parse(String(version)).clientVersion.minor, 10);
  } catch {
    return 0; // not installed here
  }
}

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** A kubectl that runs: what it printed until now, and what can be typed into it. */
export class Conversation {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  stdout = '';
  stderr = '';

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.child.stdin?.on('error', () => this.child.stdin?.destroy());
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code) => resolve(code ?? -1));
    });
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  endInput(): void {
    this.child.stdin?.end();
  }

  /** Resolves once its output matches, and gives the match. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    const missing = () => `${pattern} in ${JSON.stringify(this.stdout)} ${JSON.stringify(this.stderr)}`;
    await until(missing, () => pattern.test(this.stdout), 15_000);
    const match = pattern.exec(this.stdout);
    if (!match) throw new Error(missing());
    return match;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** A kubectl with a terminal of its own, made by util-linux' `script`. */
export class Terminal extends Conversation {
  readonly #folder: string;

  private constructor(folder: string, binary: string, words: readonly string[], env: NodeJS.ProcessEnv) {
    // Words without blanks, so that the shell may split them.
    const command = 'tty > "$TERMINAL/device"; stty cols 100 rows 30; exec $COMMAND';
    const terminal = { TERMINAL: folder, COMMAND: [binary, ...words].join(' '), SHELL: '/bin/sh', TERM: 'xterm' };
    super('script', ['-qefc', command, '/dev/null'], { ...env, ...terminal });
    this.#folder = folder;
    void this.ended.finally(() => rmSync(folder, { recursive: true, force: true }));
  }

  static open(binary: string, words: readonly string[], env: NodeJS.ProcessEnv): Terminal {
    return new Terminal(mkdtempSync(join(tmpdir(), 'wglab-terminal-')), binary, words, env);
  }

  /** Makes the window another size, upon which the kernel tells kubectl. */
  resize(columns: number, rows: number): void {
    const device = readFileSync(join(this.#folder, 'device'), 'utf8').trim();
    execFileSync('stty', ['-F', device, 'cols', `${columns}`, 'rows', `${rows}`]);
  }
}

/** One kubectl with one lab's kubeconfig. Command lines are given as words apart by one blank, or as a list of words. */
export class Kubectl {
  readonly #binary: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<Conversation>();

  /** `folder` is its home: neither what somebody has in ~/.kube nor what this leaves there matters. */
  constructor(binary: string, kubeconfig: string, folder: string) {
    this.#binary = binary;
    this.#env = { ...process.env, KUBECONFIG: kubeconfig, HOME: folder };
  }

  async run(args: string | readonly string[], input = ''): Promise<Outcome> {
    const running = this.start(args);
    running.child.stdin?.end(input);
    const status = await running.ended;
    return { status, stdout: running.stdout, stderr: running.stderr };
  }

  /** The output of a command that must work, and must not warn. */
  readonly told = async (args: string | readonly string[], input?: string): Promise<string> => {
    const { status, stdout, stderr } = await this.run(args, input);
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
    return stdout;
  };

  /** Returns the error message of a command, which must fail with status 1. */
  readonly refused = async (args: string | readonly string[], input?: string): Promise<string> => {
    const { status, stdout, stderr } = await this.run(args, input);
    expect({ args, status, stdout }).toEqual({ args, status: 1, stdout: '' });
    return stderr;
  };

  start(args: string | readonly string[]): Conversation {
    return this.#keep(new Conversation(this.#binary, wordsOf(args), this.#env));
  }

  /** Starts it with a terminal of 100 columns and 30 rows. */
  terminal(args: string): Terminal {
    const terminal = Terminal.open(this.#binary, wordsOf(args), this.#env);
    this.#keep(terminal);
    return terminal;
  }

  /** Ends what a failed test left running. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop()));
  }

  #keep(running: Conversation): Conversation {
    this.#running.add(running);
    void running.ended.finally(() => this.#running.delete(running));
    return running;
  }
}

function wordsOf(args: string | readonly string[]): readonly string[] {
  return typeof args === 'string' ? args.split(' ') : args;
}
