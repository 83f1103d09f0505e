import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { runTool } from '../../../process/tool.ts';
import { WIREGUARD_DEVICE } from '../dataplane/constants.ts';
import type { AgentNode } from './node.ts';

/** The file of a node's private key, below its /run: 32 bytes, as Cilium keeps them (not base64). */
export const KEY_FILE = 'cilium/state/cilium_wg0.key';

/** The key goes through a pipe, because `wg` cannot open the socket that Node gives a child as its standard input. */
const SET_KEY = `base64 < "/run/${KEY_FILE}" | wg set "$1" private-key /proc/self/fd/0 && wg show "$1" public-key`;

/**
 * Sets the node's private key on cilium_wg0, and returns its public key. The key is made once and stays in its file, so that the
 * node keeps it when encryption is turned off and on again. `runFolder` is the node's /run as this process sees it.
 */
export async function loadWireguardKey(node: AgentNode, runFolder: string): Promise<string> {
  const file = `${runFolder}/${KEY_FILE}`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (!existsSync(file)) writeFileSync(file, randomBytes(32), { mode: 0o600 });
  return (await runTool(node.enter(['sh', '-c', SET_KEY, 'set-key', WIREGUARD_DEVICE]))).trim();
}
