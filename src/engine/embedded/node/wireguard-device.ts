import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { runTool, ToolError } from '../processes.ts';
import type { NodeNamespaces } from './node-namespaces.ts';

export type Dataplane = 'kernel' | 'userspace';

/** Whether this kernel has WireGuard: found out by making a device, since the module may load only then. */
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

/** How long wireguard-go may take to open its socket: it takes about 9 ms. */
const START_MS = 5_000;

/** Makes a WireGuard device on a node, without a key yet. */
export async function createWireguardDevice(node: NodeNamespaces, name: string, dataplane: Dataplane): Promise<void> {
  if (dataplane === 'kernel') await runTool(node.enter(['ip', 'link', 'add', name, 'type', 'wireguard']));
  else await startWireguardGo(node, name);
}

/** `wg` opens a file, and cannot open the socket that Node gives a child as its standard input: `cat` makes it a pipe. */
const SET_KEY = 'cat | wg set "$1" private-key /dev/stdin';

/**
 * Gives a device a new private key, and gives its public key (base64). The private key goes to the device on standard input
 * and is forgotten: as with Calico it lives in the device alone.
 */
export async function giveNewKey(node: NodeNamespaces, name: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const secret = base64Of(privateKey.export({ format: 'jwk' }).d);
  await runTool(node.enter(['sh', '-c', SET_KEY, 'set-key', name]), `${secret}\n`);
  return base64Of(publicKey.export({ format: 'jwk' }).x);
}

/** Takes a device away; wireguard-go ends when its device goes. */
export async function removeWireguardDevice(node: NodeNamespaces, name: string): Promise<void> {
  await runTool(node.enter(['ip', 'link', 'del', name]));
}

async function startWireguardGo(node: NodeNamespaces, name: string): Promise<void> {
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
  child.on('close', (status) => {
    ended ??= `exit status ${status}`;
  });
  const socket = `/proc/${node.pid}/root/run/wireguard/${name}.sock`;
  const deadline = Date.now() + START_MS;
  while (!existsSync(socket)) {
    if (ended !== undefined) throw new ToolError(['wireguard-go', name], ended, printed);
    if (Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new ToolError(['wireguard-go', name], `no socket within ${START_MS / 1000} s`, printed);
    }
    await delay(2); // its socket is the only sign that it is ready
  }
}

function base64Of(base64url: string | undefined): string {
  return Buffer.from(base64url ?? '', 'base64url').toString('base64');
}
