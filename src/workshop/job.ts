import { spawn } from 'node:child_process';
import { lackingFailure, messageOf } from '../errors.ts';

/** A script that runs, with everything that it starts, in a process group of its own. */
export interface Job {
  /** Standard output and standard error in one, in the order in which they were written; only the beginning if it is very long. */
  printed(): string;
  /** Resolves when it has printed something, or has ended. */
  readonly speaks: Promise<void>;
  /** Its exit status; 128 + the signal's number if a signal ended it. By then nothing of its process group is left. */
  readonly ended: Promise<number>;
  readonly running: boolean;
  /** Ends it as Ctrl-C does, and by force if that does nothing. */
  interrupt(): Promise<void>;
}

/** How long a job may take to end itself after Ctrl-C, and then after SIGTERM, in ms. */
const AFTER_INTERRUPT_MS = 5_000;
const AFTER_TERMINATE_MS = 2_000;
/** How long the kernel, and the process that inherits orphans, may take to remove killed processes, in ms. */
const AFTER_KILL_MS = 1_000;
/** How long a process that left the group may hold the output open, in ms. */
const OUTPUT_MS = 1_000;
/** How many characters of the output are kept: a capture that nobody ends must not fill the memory. */
const KEPT = 2_000_000;

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** The leaders of running groups: however this process exits, they end with it. */
const groups = new Set<number>();
process.on('exit', () => {
  for (const group of groups) signalGroup(group, 'SIGKILL');
});

/** Starts a script in bash, which stops at the first command that fails. */
export function startJob(
  script: string,
  options: { cwd: string; env: NodeJS.ProcessEnv; output?: (chunk: Buffer) => void },
): Job {
  // The outer shell only puts both streams into one pipe, so that they stay in their order.
  const child = spawn('bash', ['-c', 'exec bash -euo pipefail -c "$1" bash 2>&1', 'bash', script], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const { pid, stdout } = child;
  if (pid !== undefined) groups.add(pid);
  const decoder = new TextDecoder();
  let text = '';
  let running = true;
  const exited = new Promise<number>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(lackingFailure(`bash does not start: ${messageOf(cause)}`, { remedy: 'Install bash.', cause })),
    );
    child.on('exit', (code, signal) => resolve(code ?? 128 + (SIGNALS[signal ?? 'SIGKILL'] ?? 0)));
  });
  const closed = new Promise<void>((resolve) => stdout.on('close', resolve));
  const speaks = new Promise<void>((resolve) => {
    stdout.once('data', () => resolve());
    exited.then(
      () => resolve(),
      () => resolve(),
    );
  });
  stdout.on('data', (chunk: Buffer) => {
    const room = KEPT - text.length;
    if (room > 0) text += decoder.decode(chunk, { stream: true }).slice(0, room);
    options.output?.(chunk);
  });
  const ended = exited.then(async (status) => {
    if (pid !== undefined) await endGroup(pid);
    if (!(await within(closed, OUTPUT_MS))) stdout.destroy();
    running = false;
    return status;
  });
  void ended.catch(() => {
    running = false;
  });
  return {
    printed: () => text,
    speaks,
    ended,
    get running() {
      return running;
    },
    async interrupt() {
      if (!running || pid === undefined) return;
      signalGroup(pid, 'SIGINT');
      if (!(await within(ended, AFTER_INTERRUPT_MS))) signalGroup(pid, 'SIGTERM');
      if (!(await within(ended, AFTER_TERMINATE_MS))) signalGroup(pid, 'SIGKILL');
      await ended;
    },
  };
}

/** Ends what a finished script left running in its group. */
async function endGroup(group: number): Promise<void> {
  for (const [signal, ms] of [['SIGTERM', AFTER_TERMINATE_MS] as const, ['SIGKILL', AFTER_KILL_MS] as const]) {
    const late = performance.now() + ms;
    signalGroup(group, signal);
    while (signalGroup(group, 0) && performance.now() < late) await pause();
  }
  groups.delete(group);
}

/** Returns whether the group had a process to signal; signal 0 only asks. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    // EPERM: what is left of the group belongs to another user (sudo), and is not ours to end.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')) return false;
    throw error;
  }
}

/** Waits between two looks at a group; the kernel does not report when a group is empty. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** Returns whether a promise settles within so many ms. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
