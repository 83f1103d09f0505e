import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ContainerLog } from '../../../kube-api/container-log.ts';
import type { RemoteProcess, RunOptions } from '../../../process/remote-process.ts';
import { pathOf, startProcess } from '../../../process/tool.ts';
import { IMAGE_BIN, type Image, POD_DEVICES } from './image.ts';
import type { Sandbox } from './sandbox.ts';

export interface ContainerPlan {
  /** The container's root folder, made by `makeRoot`. */
  root: string;
  image: Image;
  /** With all capabilities that the engine itself has. */
  privileged: boolean;
  argv: string[];
  environment: Record<string, string>;
  workingFolder: string;
  /** Folders or files bound into the container's root. */
  mounts: { source: string; target: string }[];
}

/** One run of a container: a process in mount and PID namespaces of its own, in the network of its sandbox. */
export interface Container {
  readonly log: ContainerLog;
  /** The exit status: 128 + the signal's number where one ended it, as Kubernetes counts. */
  readonly exited: Promise<number>;
  exec(argv: readonly string[], options: RunOptions): RemoteProcess;
  /** Asks it to end (SIGTERM), or ends it at once where it would not hear (it is PID 1 and has no handler). */
  stop(): void;
  kill(): void;
}

/**
 * The capabilities of a container: Docker's default set. Without root they are what the user namespace gives; with root
 * they keep a container from the host's devices, modules, network configuration and mounts.
 */
const CAPABILITIES = [
  'chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap',
  'net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap',
]
  .join(',')
  .split(',');
const ONLY_THESE = `-all,${CAPABILITIES.map((name) => `+${name}`).join(',')}`;
const CONFINE = [
  ...[pathOf('setpriv') ?? 'setpriv', '--bounding-set', ONLY_THESE, '--inh-caps', ONLY_THESE],
  // Root has its capabilities by being root; another user keeps them through exec only as ambient ones.
  ...(process.getuid?.() === 0 ? [] : ['--ambient-caps', ONLY_THESE]),
];

/** The programmes of the image: busybox with its links. */
const MOUNT_BUSYBOX = `mount -o bind "$bin" "$root/bin"
mount -o remount,bind,ro "$root/bin"`;

/**
 * The machine's own system folders, read-only with all that is mounted in them; a user namespace may not take away flags that a
 * mount has, so they are said again. /sys shows the interfaces of the network that the container is in.
 */
const MOUNT_HOST_TOOLS = `rm -rf "$root/bin" "$root/sbin" "$root/usr"
for folder in /bin /sbin /lib /lib32 /lib64 /libx32 /usr /etc /opt; do
  if [ -L "$folder" ]; then ln -s "$(readlink "$folder")" "$root$folder"
  elif [ -d "$folder" ]; then mkdir -p "$root$folder" && mount -o rbind "$folder" "$root$folder"
  fi
done
while read -r _ _ _ _ point flags _; do
  case $point in "$root"/*) mount -o "remount,bind,$flags,ro" "$point" ;; esac
done < /proc/self/mountinfo
mkdir -p "$root/sys"
mount -t sysfs sysfs "$root/sys"
mkdir -p "$root/var"
ln -sf /run "$root/var/run"`;

/** By busybox, whose mount is no process of its own: a fourth of the time. */
const START_CONTAINER = `set -e
root=$1 bin=$2 devices=$3 image=$4
shift 4
if [ "$image" = host-tools ]; then
${MOUNT_HOST_TOOLS}
else
${MOUNT_BUSYBOX}
fi
mount -o rbind "$devices" "$root/dev"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
  if [ -e "$root/$2" ]; then :
  elif [ -d "$1" ]; then mkdir -p "$root/$2"
  else mkdir -p "$root/\${2%/*}"; : > "$root/$2"
  fi
  mount -o bind "$1" "$root/$2"
  shift 2
done
shift
exec "$@"`;

/** The last steps before the command, inside the container's root: its folder and its own PATH. */
const ENTER_CONTAINER = 'cd "$0" && PATH=$1 && export PATH && shift && exec "$@"';
const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Starts a container in a sandbox. That the command itself is missing shows as exit status 127. */
export function startContainer(sandbox: Sandbox, plan: ContainerPlan): Container {
  const command = sandbox.enter([
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'],
    ...['busybox', 'sh', '-c', START_CONTAINER, 'container', plan.root, IMAGE_BIN, POD_DEVICES, plan.image],
    ...plan.mounts.flatMap(({ source, target }) => [source, target]),
    ...['--', ...confined(plan, plan.argv)],
  ]);
  const child = spawn(command[0] ?? '', command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(plan),
    detached: true,
  });
  const log = new ContainerLog();
  child.stdout?.on('data', (chunk: Buffer) => log.write('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => log.write('stderr', chunk));
  const exited = new Promise<number>((resolve) => {
    child.on('error', (error) => {
      log.write('stderr', Buffer.from(`${error.message}\n`));
      resolve(128);
    });
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGTERM' ? 143 : 137)));
  });
  exited.then(() => log.end());
  return {
    log,
    exited,
    exec: (words, options) => startProcess(execArgv(child, sandbox, plan, words), options, environmentOf(plan)),
    stop: () => stop(child),
    kill: () => kill(child),
  };
}

/** argv that runs a command beside the container's own process: same namespaces, root and capabilities. */
function execArgv(child: ChildProcess, sandbox: Sandbox, plan: ContainerPlan, words: readonly string[]): string[] {
  const pid = child.pid ?? 0;
  const own = [`--mount=/proc/${pid}/ns/mnt`, `--pid=/proc/${pid}/ns/pid_for_children`];
  return sandbox.enter(confined(plan, words), own);
}

function confined(plan: ContainerPlan, words: readonly string[]): string[] {
  const path = plan.environment.PATH ?? STANDARD_PATH;
  return [
    ...(plan.privileged ? [] : CONFINE),
    'chroot',
    plan.root,
    '/bin/sh',
    '-c',
    ENTER_CONTAINER,
    plan.workingFolder,
    path,
    ...words,
  ];
}

/** The container's variables go by the environment, never by argv, where everybody could read them. */
function environmentOf(plan: ContainerPlan): Record<string, string> {
  return { ...plan.environment, PATH: STANDARD_PATH };
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
