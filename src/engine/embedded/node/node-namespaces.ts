import { type ChildProcess, spawn } from 'node:child_process';
import { ToolError } from '../processes.ts';

/** A node of the lab: network, mount and host name namespaces, which live as long as one sleeping process. */
export interface NodeNamespaces {
  readonly name: string;
  /** The sleeping process, as the engine's own PID namespace counts. */
  readonly pid: number;
  /** argv that runs a command in the node's network, mount and host name namespaces. */
  enter(argv: readonly string[]): string[];
  readonly ended: Promise<void>;
}

/**
 * What makes a node out of fresh namespaces. Each node has a /run of its own, since wireguard-go keeps its control socket
 * in /var/run/wireguard under the interface's name, which is the same on every node; and a /sys that shows its own
 * interfaces. "ready" on standard output tells that all of it stands.
 */
const BECOME_A_NODE = `set -e
mount --bind "$2" /etc/hosts
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/wireguard /run/netns /run/lock
mount -t sysfs sysfs /sys
hostname "$1"
ip link set lo up
echo ready
exec sleep infinity`;

/** Makes the namespaces of a node. `hostsFile` becomes its /etc/hosts. Throws ToolError with what the tools printed. */
export async function createNodeNamespaces(name: string, hostsFile: string): Promise<NodeNamespaces> {
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
  ];
  const child = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  await untilReady(child, `making the namespaces of node ${name}`);
  const pid = child.pid ?? 0;
  return {
    name,
    pid,
    enter: (command) => ['nsenter', '--target', String(pid), '--net', '--mount', '--uts', '--', ...command],
    ended: new Promise((resolve) => child.on('close', () => resolve())),
  };
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
