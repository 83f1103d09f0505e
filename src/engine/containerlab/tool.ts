import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, appendFileSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { labFailure, lackingFailure, messageOf } from '../../errors.ts';
import { runTool } from '../../process/tool.ts';
import { detailOf, explainRun } from './explain.ts';
import { type LogLine, logLine, saysSomething } from './log-lines.ts';

/** containerlab, and how this user comes to run it as root. */
export interface Containerlab {
  path: string;
  version: string;
  by: Privilege;
}

/** As root already, as a program that is root's by its SUID bit, or through sudo. */
export type Privilege = 'root' | 'suid' | 'sudo';

/** The oldest that takes a path for the kubeconfig (containerlab#2977) and has kind 0.31 in it. */
export const OLDEST_CONTAINERLAB = '0.73';

const QUICK_MS = 15_000;

/** Finds containerlab and looks whether it will do. Throws a lacking failure that says what is missing. */
export async function findContainerlab(): Promise<Containerlab> {
  const path = programPath('containerlab');
  if (path === undefined) {
    throw lackingFailure('the program containerlab is missing', {
      remedy: 'https://containerlab.dev/install: curl -sL https://get.containerlab.dev | sudo bash',
    });
  }
  const [version, by] = await Promise.all([versionOf(path), privilegeFor(path)]);
  if (by === undefined) {
    throw lackingFailure('containerlab needs root, and there is no sudo', {
      remedy: 'run wglab as root, or install sudo',
    });
  }
  if (!isEnough(version)) {
    throw lackingFailure(`containerlab ${version} is too old: wglab needs ${OLDEST_CONTAINERLAB} or later`, {
      remedy: 'sudo containerlab version upgrade',
    });
  }
  return { path, version, by };
}

/** The first program of that name on PATH, or in /usr/sbin, where Debian's users do not look. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return folders.map((folder) => join(folder || '.', name)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // not in this folder
  }
}

/** containerlab's version: as JSON since 0.70, before in a banner. */
export async function versionOf(path: string): Promise<string> {
  const printed = await runTool([path, 'version', '-j'], '', quick()).catch(() =>
    runTool([path, 'version'], '', quick()),
  );
  return versionIn(printed) ?? 'of unknown version';
}

/** How containerlab is asked for something that it knows at once. */
export function quick() {
  return { env: environment(), timeout: QUICK_MS, killSignal: 'SIGKILL' } as const;
}

/** The version in what `version -j` prints, or in the banner of `version`. */
export function versionIn(printed: string): string | undefined {
  try {
    const { version } = JSON.parse(printed) as { version?: unknown };
    return typeof version === 'string' && version !== '' ? version : undefined;
  } catch {
    return /^\s*version:\s*(\S+)/m.exec(printed)?.[1]; // a banner is no JSON
  }
}

/** Returns whether a version is new enough. One that somebody built without a number (0.0.0) may well be. */
export function isEnough(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  const [least = 0, leastMinor = 0] = OLDEST_CONTAINERLAB.split('.').map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major) || version.startsWith('0.0.')) return true;
  return major > least || minor >= leastMinor;
}

/** Returns how this user gets containerlab to run as root; undefined if that is not possible. Facts: utils/sudo.go, cited in explain.ts. */
export async function privilegeFor(path: string): Promise<Privilege | undefined> {
  if (process.getuid?.() === 0) return 'root';
  const { mode, uid } = statSync(path);
  if ((mode & 0o4000) !== 0 && uid === 0 && (await isAdmin())) return 'suid';
  return programPath('sudo') === undefined ? undefined : 'sudo';
}

/** If there is a group clab_admins, only its members may use the SUID program. */
async function isAdmin(): Promise<boolean> {
  const group = await runTool(['getent', 'group', 'clab_admins']).catch(() => undefined);
  if (group === undefined) return true;
  const names = (await runTool(['id', '-Gn'])).split(/\s+/);
  return names.includes('clab_admins');
}

/** Flags come from CLAB_* too, so a stray one would change what is asked for; the look for a newer version takes 3 s without a network. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('CLAB_'));
  return { ...Object.fromEntries(kept), ...ALWAYS };
}

const ALWAYS = { CLAB_VERSION_CHECK: 'disable', NO_COLOR: '1' };

/** Variables that sudo would drop, and docker or kind need. */
const THROUGH_SUDO = [
  'PATH', // kind runs the program docker, which is to be the same as here
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'KIND_EXPERIMENTAL_DOCKER_NETWORK',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
];

/** The words that run a command as root, before that command. Where nobody can be asked, sudo must not ask. */
export function asRoot(by: Privilege): string[] {
  if (by !== 'sudo') return [];
  const named = THROUGH_SUDO.flatMap((name) => (process.env[name] ? [`${name}=${process.env[name]}`] : []));
  const always = Object.entries(ALWAYS).map(([name, value]) => `${name}=${value}`);
  return ['sudo', ...(process.stdin.isTTY ? [] : ['-n']), 'env', ...always, ...named];
}

export interface ContainerlabRun {
  args: readonly string[];
  cwd: string;
  /** How long it may take, and what for, in words. */
  limitMs: number;
  doing: string;
  logFile: string;
  hear?: (line: LogLine) => void;
  signal?: AbortSignal;
}

/** How long containerlab may take to stop when it is asked to, until it is killed: its own clean-up takes up to 20 s. */
const STOP_MS = 15_000;

/**
 * Runs containerlab to its end; what it says goes to `hear` line by line, and to the log. Throws what `explainRun` makes of a
 * failure, a lab failure if it takes longer than `limitMs`, and the signal's reason. The process never outlives this call.
 */
export async function runContainerlab(tool: Containerlab, run: ContainerlabRun): Promise<void> {
  run.signal?.throwIfAborted();
  const command = [...asRoot(tool.by), tool.path, ...run.args];
  const [program = '', ...rest] = command;
  // Not detached: sudo remembers a password per terminal, and Ctrl-C must reach it too.
  const child = spawn(program, rest, { cwd: run.cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let told = false;
  appendFileSync(run.logFile, `$ ${command.join(' ')}\n`);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (raw) => {
      const line = logLine(raw);
      // At its end containerlab says its errors once more, in a block that is cut to the width of a terminal.
      if (!saysSomething(line) || (told && line.level === 'other')) return;
      told ||= line.level === 'error';
      appendFileSync(run.logFile, `${line.text}\n`);
      lines.push(line.text);
      if (lines.length > 100) lines.shift();
      run.hear?.(line);
    });
  }
  let late = false;
  const stop = () => void end(child);
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, run.limitMs);
  run.signal?.addEventListener('abort', stop, { once: true });
  try {
    const status = await ended(child, command);
    run.signal?.throwIfAborted();
    if (late) {
      throw labFailure(
        `${run.doing} took longer than ${run.limitMs / 1000} s; last seen: ${lines.at(-1) ?? 'nothing'}`,
        {
          detail: detailOf({ command, lines }),
        },
      );
    }
    if (status !== 0) throw explainRun({ command, lines });
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', stop);
  }
}

function ended(child: ChildProcess, command: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(lackingFailure(`${command[0]} cannot be run: ${messageOf(error)}`)));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function end(child: ChildProcess): Promise<void> {
  await tell(child, 'SIGINT');
  const timer = setTimeout(() => void tell(child, 'SIGKILL'), STOP_MS);
  child.once('exit', () => {
    clearTimeout(timer);
    // A process that containerlab itself had started may hold its output open.
    setTimeout(() => [child.stdout, child.stderr].forEach((stream) => void stream?.destroy()), 500).unref();
  });
}

/** A user may not signal what sudo started: sudo does. */
async function tell(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(child.pid, signal);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ESRCH') return;
    if (code !== 'EPERM') throw error;
    // If sudo would have to ask again, Ctrl-C in the terminal has reached it by itself.
    await runTool(['sudo', '-n', 'kill', `-${signal.slice(3)}`, String(child.pid)]).catch(() => '');
  }
}

/** Lets sudo ask for the password now, in the terminal, before progress covers it. Throws a lacking failure if it does not get it. */
export async function askForRoot(): Promise<void> {
  const argv = process.stdin.isTTY ? ['-v'] : ['-n', 'true'];
  const child = spawn('sudo', argv, { stdio: ['inherit', 'ignore', 'inherit'] });
  const status = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (code) => resolve(code ?? 1));
  });
  if (status === 0) return;
  throw lackingFailure('containerlab needs root, and sudo does not give it', {
    remedy: 'run wglab as root, or where sudo can ask for your password',
  });
}
