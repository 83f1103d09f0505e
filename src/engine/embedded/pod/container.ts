import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ContainerLog } from '../../../kube-api/container-log.ts';
import type { RemoteProcess, RunOptions } from '../../../process/remote-process.ts';
import { startProcess, statusOf } from '../../../process/tool.ts';
import { approach, type RootPlan, settle, startInRoot } from './confinement.ts';
import type { Sandbox } from './sandbox.ts';

export interface ContainerPlan extends RootPlan {
  argv: string[];
  environment: ReadonlyMap<string, string>;
  workingFolder: string;
}

/** One run of a container: a process in mount and PID namespaces of its own, in the network of its sandbox. */
export interface Container {
  readonly log: ContainerLog;
  /** The exit status: 128 + the signal's number if one ended it, as Kubernetes counts. */
  readonly exited: Promise<number>;
  /** Resolves once its root is its own, or it has ended before that. Nobody may enter it sooner. */
  readonly entered: Promise<void>;
  exec(argv: readonly string[], options: RunOptions): RemoteProcess;
  /** Asks it to end (SIGTERM), or kills it if it would not notice (it is PID 1 and has no handler). */
  stop(): void;
  kill(): void;
}

const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Starts a container in a sandbox. A command that does not exist shows as exit status 127. */
export function startContainer(sandbox: Sandbox, plan: ContainerPlan): Container {
  const [command = '', ...rest] = sandbox.enter([
    ...approach(plan.privileged),
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'],
    ...startInRoot(plan, inside(plan, plan.argv)),
  ]);
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
  const child = spawn(command, rest, { stdio: [...stdio], env: wrapped(plan), detached: true });
  const log = new ContainerLog();
  child.stdout?.on('data', (chunk: Buffer) => log.write('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => log.write('stderr', chunk));
  const exited = new Promise<number>((resolve) => {
    child.on('error', (error) => {
      log.write('stderr', Buffer.from(`${error.message}\n`));
      resolve(128);
    });
    child.on('close', (code, signal) => resolve(statusOf(code, signal)));
  });
  const entered = new Promise<void>((resolve) => child.stdio[3]?.once('data', () => resolve()));
  exited.then(() => log.end());
  return {
    log,
    exited,
    entered: Promise.race([entered, exited.then(() => undefined)]),
    exec: (words, options) => startProcess(execArgv(child, sandbox, plan, words), options, wrapped(plan)),
    stop: () => stop(child),
    kill: () => kill(child),
  };
}

/** argv that runs a command next to the container's own process: same namespaces, root and capabilities. */
function execArgv(child: ChildProcess, sandbox: Sandbox, plan: ContainerPlan, words: readonly string[]): string[] {
  const pid = child.pid ?? 0;
  const own = ['nsenter', `--mount=/proc/${pid}/ns/mnt`, `--pid=/proc/${pid}/ns/pid_for_children`, '--'];
  return sandbox.enter([...approach(plan.privileged), ...own, ...inside(plan, words)]);
}

/**
 * argv for the last steps, inside the container. Only here it gets its own variables: the machine's programs that lead here
 * must not see an LD_PRELOAD of the pod's. They come by the environment, never by argv, where everybody could read them.
 */
function inside(plan: ContainerPlan, words: readonly string[]): string[] {
  const names = variablesOf(plan).map((_, i) => `${WRAPPED}${i}`);
  const unwrap =
    names.length === 0 ? '' : `export ${names.map((name) => `"$${name}"`).join(' ')}; unset ${names.join(' ')};`;
  const script = `${unwrap} cd "$0" && exec "$@"`;
  return [...settle(plan.privileged, plan.image), '/bin/sh', '-c', script, plan.workingFolder, ...words];
}

const WRAPPED = 'WGLAB_VARIABLE_';

/** The container's variables under names that mean nothing to any program. */
function wrapped(plan: ContainerPlan): Record<string, string> {
  const variables = variablesOf(plan).map(([name, value], i) => [`${WRAPPED}${i}`, `${name}=${value}`]);
  return { PATH: process.env.PATH ?? STANDARD_PATH, ...Object.fromEntries(variables) };
}

/** Those that a shell can hold. */
function variablesOf({ environment }: ContainerPlan): [string, string][] {
  const all = new Map([['PATH', STANDARD_PATH], ...environment]);
  return [...all].filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
}

function stop(child: ChildProcess): void {
  const first = firstProcess(child.pid ?? 0);
  if (first !== undefined && hearsTerm(first)) process.kill(first, 'SIGTERM');
  else kill(child);
}

/** With its group, of which the container's first process is: a moment after its fork it would not end with `unshare`. */
function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The container's PID 1 as the engine counts: the one child of `unshare --fork`. */
function firstProcess(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children ? Number(children.split(' ')[0]) : undefined;
  } catch {
    return undefined; // it has ended meanwhile
  }
}

/** Whether SIGTERM (bit 14 of SigCgt) has a handler: the kernel withholds it from a PID 1 that has none. */
function hearsTerm(pid: number): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return (BigInt(`0x${caught}`) & (1n << 14n)) !== 0n;
  } catch {
    return false;
  }
}
