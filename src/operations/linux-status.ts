import { Failure } from '../errors.ts';
import { finish, type NodeShell } from '../process/node-shell.ts';
import type { LinuxNodeState } from '../state/lab-state.ts';

/** A plain Linux node next to the cluster, as it is now. */
export interface LinuxStatus {
  name: string;
  /** All but the loopback, with what a person has made there too. */
  interfaces: { name: string; addresses: string[] }[];
  /** Why it could not be asked. */
  problem?: string;
}

/** Asks the nodes next to the cluster for their interfaces and addresses. */
export function linuxStatus(shell: NodeShell, nodes: readonly LinuxNodeState[]): Promise<LinuxStatus[]> {
  return Promise.all(nodes.map(({ name }) => statusOf(shell, name)));
}

/** In the form that busybox' ip has, too. */
const ASK = 'ip -o link show && ip -o address show';

async function statusOf(shell: NodeShell, name: string): Promise<LinuxStatus> {
  try {
    const { status, stdout, stderr } = await finish(await shell(name, ['sh', '-c', ASK]));
    if (status !== 0) return { name, interfaces: [], problem: stderr.trim() || `ip ended with status ${status}` };
    return { name, interfaces: interfacesIn(stdout) };
  } catch (error) {
    if (error instanceof Failure) return { name, interfaces: [], problem: error.message };
    throw error;
  }
}

/** Lines such as `2: eth1@if5: <…> mtu 9500 …` and `2: eth1    inet 10.0.0.1/24 scope global eth1`. */
function interfacesIn(printed: string): LinuxStatus['interfaces'] {
  const found = new Map<string, string[]>();
  for (const line of printed.split('\n')) {
    const [, name = '', rest = ''] = /^\d+: ([^\s:@]+)(?:@\S+)?(.*)/.exec(line) ?? [];
    if (name === '' || name === 'lo') continue;
    const addresses = found.get(name) ?? [];
    found.set(name, addresses);
    const [, address = ''] = /^\s+inet6? (\S+)/.exec(rest) ?? [];
    if (address !== '' && !address.startsWith('fe80:')) addresses.push(address);
  }
  return [...found].map(([name, addresses]) => ({ name, addresses }));
}
