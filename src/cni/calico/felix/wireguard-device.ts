import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { runTool, ToolError } from '../../../process/tool.ts';
import type { NodeNamespace } from '../../node.ts';

export type Dataplane = 'kernel' | 'userspace';

/** The implementation of WireGuard, and the log for its errors. */
export interface Means {
  dataplane: Dataplane;
  log: (message: string) => void;
}

/** Detects whether this kernel has WireGuard by making a device, since the module may load only then. */
export async function detectDataplane(): Promise<Dataplane> {
  try {
    await runTool(['ip', 'link', 'add', 'wglab-probe', 'type', 'wireguard']);
    await runTool(['ip', 'link', 'del', 'wglab-probe']);
    return 'kernel';
  } catch (error) {
    if (error instanceof ToolError) return 'userspace';
    throw error;
  }
}

/** How long wireguard-go may take to open its socket or to end: it takes about 9 ms, and twenty times that where a machine is emulated. */
const WAIT_MS = 20_000;

/** Makes a WireGuard device on a node, without a key yet. */
export async function createWireguardDevice(
  node: NodeNamespace,
  name: string,
  { dataplane, log }: Means,
): Promise<void> {
  if (dataplane === 'kernel') await runTool(node.enter(['ip', 'link', 'add', name, 'type', 'wireguard']));
  else await startWireguardGo(node, name, log);
}

/**
 * The key goes from one tool to the other and nowhere else. By a pipe: `wg` opens a file, and cannot open the socket that
 * Node gives a child as its standard input.
 */
const NEW_KEY = 'wg genkey | wg set "$1" private-key /proc/self/fd/0 && wg show "$1" public-key';

/** Sets a new private key on a device and returns its public key (base64). As with Calico, the private key lives in the device alone. */
export async function giveNewKey(node: NodeNamespace, name: string): Promise<string> {
  return (await runTool(node.enter(['sh', '-c', NEW_KEY, 'new-key', name]))).trim();
}

/** Removes a device. wireguard-go ends with its device, and its socket must be gone before the name can be used again. */
export async function removeWireguardDevice(node: NodeNamespace, name: string): Promise<void> {
  await runTool(node.enter(['ip', 'link', 'del', name]));
  const deadline = Date.now() + WAIT_MS;
  while (isThere(socketOf(node, name))) {
    if (Date.now() > deadline) throw new ToolError(['wireguard-go', name], `not gone within ${WAIT_MS / 1000} s`, '');
    await delay(2);
  }
}

function socketOf(node: NodeNamespace, name: string): string {
  return `/proc/${node.pid}/root/run/wireguard/${name}.sock`;
}

/** Not by existsSync: access(2) asks without the capabilities of a user who is not root, and is then refused. */
function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

async function startWireguardGo(node: NodeNamespace, name: string, log: Means['log']): Promise<void> {
  const [command = '', ...rest] = node.enter(['wireguard-go', '--foreground', name]);
  // A small heap: a lab's tunnels carry little, and there is one process for each node.
  const env = { ...process.env, LOG_LEVEL: 'error', GOGC: '50' };
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let printed = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-2048);
  });
  let ended: string | undefined;
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('close', (status, signal) => {
    ended ??= signal ?? `exit status ${status}`;
    // Its exit status is 0 if its device is deleted. Felix does not start it again: a learner must be able to find the fault.
    if (status !== 0) log(`wireguard-go on ${node.name} ended: ${ended} ${printed.trim()}`.trimEnd());
  });
  const socket = socketOf(node, name);
  const deadline = Date.now() + WAIT_MS;
  while (!isThere(socket)) {
    if (ended !== undefined) throw new ToolError(['wireguard-go', name], ended, printed);
    if (Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new ToolError(['wireguard-go', name], `no socket within ${WAIT_MS / 1000} s`, printed);
    }
    await delay(2); // its socket is the only sign that it is ready
  }
}
