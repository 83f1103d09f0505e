import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { ToolError } from '../processes.ts';

/** A node of the lab: network, mount and host name namespaces, which live as long as one sleeping process. */
export interface NodeNamespaces {
  readonly name: string;
  /** The sleeping process, as the engine's own PID namespace counts. */
  readonly pid: number;
  readonly isAlive: boolean;
  /** argv that runs a command in the node's network, mount and host name namespaces. Throws ToolError where they have ended. */
  enter(argv: readonly string[]): string[];
  /** Resolves when the sleeping process ended, whoever ended it; what else ran on the node is ended then. */
  readonly ended: Promise<void>;
}

/**
 * What makes a node out of fresh namespaces. Each node has a /run of its own, since wireguard-go keeps its control socket
 * in /var/run/wireguard under the interface's name, which is the same on every node: a folder that pods in the node's network
 * can be given too; and a /sys that shows its own interfaces. "ready" on standard output tells that all of it stands.
 */
const BECOME_A_NODE = `set -e
mount --bind "$2" /etc/hosts
[ -z "$4" ] || mount --bind "$4" /etc/wireguard
[ -z "$5" ] || { mkdir -p "$3/tools" && mount --bind "$5" "$3/tools"; }
mount --rbind "$3" /run
mkdir -p /run/wireguard /run/netns /run/lock
mount -t sysfs sysfs /sys
hostname "$1"
ip link set lo up
echo ready
exec sleep infinity`;

/** What a node may have of its own beside that. */
interface NodeFolders {
  /** Becomes its /etc/wireguard. */
  wireguard?: string;
  /** Becomes its /run/tools. */
  tools?: string;
}

/** Makes the namespaces of a node. `hostsFile` becomes its /etc/hosts, `runFolder` its /run. Throws ToolError with what the tools printed. */
export async function createNodeNamespaces(
  name: string,
  hostsFile: string,
  runFolder: string,
  { wireguard = '', tools = '' }: NodeFolders = {},
): Promise<NodeNamespaces> {
  const argv = [
    '--net',
    '--mount',
    '--uts',
    '--propagation',
    'private',
    'sh',
    '-c',
    BECOME_A_NODE,
    'node',
    name,
    hostsFile,
    runFolder,
    wireguard,
    tools,
  ];
  const child = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  await untilReady(child, `making the namespaces of node ${name}`);
  const pid = child.pid ?? 0;
  const network = networkOf(pid);
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid,
    get isAlive() {
      return isAlive();
    },
    enter(command) {
      // Its number may be another process's by now, and that one's network would be entered.
      if (!isAlive()) throw new ToolError(['nsenter', name], "the node's first process has ended", '');
      return ['nsenter', '--target', String(pid), '--net', '--mount', '--uts', '--', ...command];
    },
    ended: new Promise((resolve) => {
      child.on('exit', () => {
        endAllIn(network);
        resolve();
      });
    }),
  };
}

/** wireguard-go and captures hold a node's network up when its first process is gone: a node is gone as a whole. */
function endAllIn(network: string | undefined): void {
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (network !== undefined && pid > 0 && networkOf(pid) === network) process.kill(pid, 'SIGKILL');
  }
}

function networkOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // it has ended
  }
}

/** Waits for the word "ready" from a set-up script; what else it printed goes into the error. */
export function untilReady(child: ChildProcess, doing: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      if (/^ready$/m.test(printed)) {
        child.stderr?.resume();
        resolve();
      }
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', (error) => reject(new ToolError([doing], error.message, '')));
    child.on('close', (code) => reject(new ToolError([doing], `exit status ${code}`, printed)));
  });
}
