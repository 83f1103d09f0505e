import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, existsSync, mkdtempSync, constants as modes, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { RemoteProcess, RunOptions } from './remote-process.ts';

/** A tool of the machine failed: its command line and what it printed. */
export class ToolError extends Error {
  constructor(argv: readonly string[], status: string, output: string) {
    super(`${argv.join(' ')}: ${status}${output ? `\n${output.trimEnd()}` : ''}`);
    this.name = 'ToolError';
  }
}

/** Returns the path of a tool on PATH, or undefined. busybox' shell needs it: it runs its own tool of that name otherwise. */
export function pathOf(tool: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, tool);
    try {
      accessSync(path, modes.X_OK);
      return path;
    } catch {
      // not here: the next folder of PATH
    }
  }
  return undefined;
}

/**
 * Runs a tool to its end and gives what it printed. `input` goes to its standard input, which keeps data, and above all
 * keys, out of argv. Throws ToolError where it fails or cannot be started.
 */
export function runTool(argv: readonly string[], input = '', options: SpawnOptions = {}): Promise<string> {
  const [command = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error) => reject(new ToolError(argv, error.message, '')));
    child.on('close', (code, signal) => {
      const printed = Buffer.concat(stdout).toString();
      if (code === 0) resolve(printed);
      else
        reject(
          new ToolError(
            argv,
            statusText(code, signal, child.killed ? options.timeout : undefined),
            Buffer.concat(stderr).toString() || printed,
          ),
        );
    });
    // A tool that fails early closes its input: its exit status reports the failure.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(input);
  });
}

/** `limit` in ms where that is what ended the tool. */
function statusText(code: number | null, signal: string | null, limit: number | undefined): string {
  if (signal && limit !== undefined) return `it was not done within ${limit / 1000} s, and was ended`;
  return signal ? `ended by ${signal}` : `exit status ${code}`;
}

/** Starts a command and gives it as a RemoteProcess, in a process group of its own so that `kill` ends all of it. */
export function startProcess(
  argv: readonly string[],
  options: RunOptions = {},
  environment: NodeJS.ProcessEnv = process.env,
): RemoteProcess {
  return options.tty ? startWithTerminal(argv, environment) : startPlain(argv, environment);
}

function startPlain(argv: readonly string[], env: NodeJS.ProcessEnv): RemoteProcess {
  const [command = '', ...rest] = argv;
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
  child.stdin.on('error', () => child.stdin.destroy());
  child.on('exit', () => endOutput(child));
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited: exitStatus(child),
    resize: () => undefined,
    kill: () => killGroup(child),
  };
}

/** How long the output of a command that ended may be silent until nothing is expected of it any more, in ms. */
const SILENCE_MS = 200;

/**
 * A command that ended may have left a child in the background that still holds its output open: that child is not waited
 * for. All that the command itself wrote is in the pipe by then, and is read first, however slow its reader is.
 */
function endOutput(child: ChildProcess): void {
  const open = [child.stdout, child.stderr].flatMap((stream) => stream ?? []);
  const heard = () => timer.refresh();
  const timer = setTimeout(() => {
    for (const stream of open) {
      if (stream.readableFlowing === false || stream.readableLength > 0) heard();
      else stream.push(null);
    }
  }, SILENCE_MS);
  for (const stream of open) stream.on('data', heard);
  child.once('close', () => {
    clearTimeout(timer);
    for (const stream of open) stream.off('data', heard);
  });
}

/**
 * util-linux' `script` makes the terminal, since Node itself cannot. It takes a shell string; so that no such string is
 * built from data, the words travel NUL-separated in a private file and a constant bash command reads them back. The
 * terminal's size is set from outside with `stty` on its device, upon which the kernel tells the foreground job.
 */
const TERMINAL_COMMAND =
  'mapfile -d "" -t words < "$WGLAB_TERMINAL/argv"; tty > "$WGLAB_TERMINAL/device"; unset WGLAB_TERMINAL; exec "${words[@]}"';

function startWithTerminal(argv: readonly string[], environment: NodeJS.ProcessEnv): RemoteProcess {
  // On the machine itself, where docker exec runs, there is no such folder.
  const folder = mkdtempSync(existsSync('/run/wglab') ? '/run/wglab/terminal-' : join(tmpdir(), 'wglab-terminal-'));
  writeFileSync(`${folder}/argv`, argv.map((word) => `${word}\0`).join(''), { mode: 0o600 });
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', TERMINAL_COMMAND, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { TERM: 'xterm', ...environment, SHELL: '/bin/bash', WGLAB_TERMINAL: folder },
  });
  const stderr = new PassThrough();
  stderr.end();
  child.stdin.on('error', () => child.stdin.destroy());
  const exited = exitStatus(child).finally(() => rmSync(folder, { recursive: true, force: true }));
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr,
    exited,
    resize: terminalResizer(folder),
    kill: () => killGroup(child),
  };
}

/** The terminal may not be there yet when the first size arrives: the shell loop waits for its name, within a second. */
const RESIZE =
  'for i in $(seq 100); do read -r device < "$1/device" && exec stty -F "$device" cols "$2" rows "$3"; read -rt 0.01 <> <(:); done';

/** Sets the sizes one after the other, or an old one could come last; of those that come meanwhile only the newest matters. */
function terminalResizer(folder: string): (columns: number, rows: number) => void {
  let wanted: { columns: number; rows: number } | undefined;
  let busy = false;
  const next = () => {
    if (busy || !wanted) return;
    const size = [String(wanted.columns), String(wanted.rows)];
    wanted = undefined;
    busy = true;
    const child = spawn('bash', ['-c', RESIZE, 'resize', folder, ...size], { stdio: 'ignore' });
    const done = () => {
      busy = false;
      next();
    };
    child.on('exit', done);
    child.on('error', done); // a terminal of the wrong size is no reason to end the command
  };
  return (columns, rows) => {
    wanted = { columns, rows };
    next();
  };
}

function exitStatus(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(statusOf(code, signal)));
  });
}

/** Returns the exit status as a shell counts: 128 + the signal's number for a process that a signal ended. */
export function statusOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
