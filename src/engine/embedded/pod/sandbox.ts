import { type ChildProcess, spawn } from 'node:child_process';
import { type NodeNamespaces, untilReady } from '../node/node-namespaces.ts';
import { runTool, ToolError } from '../processes.ts';

/** What a pod's containers share: network, host name and IPC namespaces, held by one sleeping process (Kubernetes' "pause"). */
export interface Sandbox {
  readonly pid: number;
  /** argv that runs a command in the pod's network, on the engine's own files. `also` names further namespaces, as nsenter's options. Throws ToolError where the sandbox has ended. */
  enter(argv: readonly string[], also?: readonly string[]): string[];
  end(): void;
  /** Resolves when the sleeping process ended, whoever ended it. */
  readonly ended: Promise<void>;
}

const BECOME_A_SANDBOX = `set -e
hostname "$1"
echo ready
exec sleep infinity`;

export async function createSandbox(podName: string): Promise<Sandbox> {
  const argv = ['unshare', '--net', '--uts', '--ipc', 'sh', '-c', BECOME_A_SANDBOX, 'pod', podName];
  return startSandbox(podName, argv);
}

/** The sandbox of a pod with hostNetwork: the node's own network and host name. */
export function joinNode(podName: string, node: NodeNamespaces): Promise<Sandbox> {
  return startSandbox(podName, node.enter(['unshare', '--ipc', 'sh', '-c', 'echo ready; exec sleep infinity']));
}

async function startSandbox(podName: string, [command = '', ...rest]: readonly string[]): Promise<Sandbox> {
  const child: ChildProcess = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  await untilReady(child, `making the sandbox of pod ${podName}`);
  const pid = child.pid ?? 0;
  return {
    pid,
    enter(command, also = []) {
      // Its number may be another process's by now.
      if (child.exitCode !== null || child.signalCode !== null) throw new ToolError(['nsenter', podName], 'ended', '');
      return ['nsenter', '--target', String(pid), '--net', '--uts', '--ipc', ...also, '--', ...command];
    },
    end: () => child.kill('SIGKILL'),
    ended: new Promise((resolve) => child.on('exit', () => resolve())),
  };
}

/** Configures the interface inside the pod: lines for `ip -batch`. */
export async function configureInterface(sandbox: Sandbox, lines: readonly string[]): Promise<void> {
  await runTool(sandbox.enter(['ip', '-batch', '-']), `${lines.join('\n')}\n`);
}
