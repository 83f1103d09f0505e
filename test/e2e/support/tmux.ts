import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { until } from './until.ts';

/** How long a screen may take to show what is waited for on a busy machine, in ms. */
const SHOWN_MS = 30_000;

/** A real terminal: one pane of a tmux server of its own, in which a command runs. */
export class TmuxTerminal {
  #server = '';
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    const { TMUX, ...rest } = environment;
    this.#environment = rest;
  }

  /** Starts a bash script in a terminal of this size. */
  async start(script: string, size: { columns: number; rows: number }, ...args: string[]): Promise<void> {
    // Never the name of one that is still about to end.
    this.#server = `wglab-test-${process.pid}-${randomBytes(4).toString('hex')}`;
    await this.tmux('new-session', '-d', ...geometry(size), '--', 'bash', '-c', script, 'bash', ...args);
    // The pane stays readable after its program has ended.
    await this.tmux('set-option', '-g', 'remain-on-exit', 'on');
  }

  async tmux(...args: string[]): Promise<string> {
    const command = ['-u', '-f', '/dev/null', '-L', this.#server, ...args];
    const { stdout } = await execa('tmux', command, { env: this.#environment, extendEnv: false });
    return stdout;
  }

  press(...keys: string[]): Promise<string> {
    return this.tmux('send-keys', ...keys);
  }

  async resize(size: { columns: number; rows: number }): Promise<void> {
    await this.tmux('resize-window', ...geometry(size));
  }

  /** Returns the text on the screen, row by row; with `joined`, rows that are one line to the terminal are joined. */
  screen(joined = false): Promise<string> {
    return this.tmux('capture-pane', '-p', ...(joined ? ['-J'] : []));
  }

  /** The same with its escape sequences. */
  coloured(): Promise<string> {
    return this.tmux('capture-pane', '-p', '-e');
  }

  async shows(pattern: RegExp | string, ms = SHOWN_MS): Promise<string> {
    let screen = '';
    const matches = () => (typeof pattern === 'string' ? screen.includes(pattern) : pattern.test(screen));
    await until(
      () => `the terminal to show ${pattern}, not\n${screen}`,
      async () => {
        screen = await this.screen();
        return matches();
      },
      ms,
    );
    return screen;
  }

  /** Returns what tmux knows about the pane, as `#{name}`. */
  ask(name: string): Promise<string> {
    return this.tmux('display-message', '-p', `#{${name}}`);
  }

  /** The process that the script waits for. */
  async foreground(): Promise<number> {
    const shell = await this.ask('pane_pid');
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim().split(' ')[0]);
  }

  async end(): Promise<void> {
    if (this.#server === '') return;
    await this.tmux('kill-server').catch(() => undefined); // it ends by itself with its last pane
  }
}

function geometry({ columns, rows }: { columns: number; rows: number }): string[] {
  return ['-x', `${columns}`, '-y', `${rows}`];
}
