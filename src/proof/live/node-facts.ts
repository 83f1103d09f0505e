import { messageOf } from '../../errors.ts';
import { finish, type NodeShell, UnprobedNode } from '../../process/node-shell.ts';

/** The facts about a node that the proof needs and Kubernetes does not know. */
export interface NodeFacts {
  /** The interface that has the node's address. */
  interface: string;
  macAddress: string;
  /** How many packets it had sent, and when, in µs since 1970 by the node's clock. */
  packets: number;
  at: number;
  kernel: string | null;
  tcpdump: string | null;
}

/** tcpdump prints its version on standard error with some builds and on standard output with others. */
const ASK_NODE = `ip -s -j address show
echo
echo "\${EPOCHREALTIME//[!0-9]/}"
uname -r
tcpdump --version 2>&1 | head -n 1`;

/** Asks a node for its underlay interface, the one with `address`. Returns the problem if it cannot be found. */
export async function nodeFacts(
  shell: NodeShell,
  node: string,
  address: string,
): Promise<NodeFacts | { problem: string }> {
  try {
    const { stdout, stderr } = await finish(await shell(node, ['bash', '-c', ASK_NODE]));
    const [links = '', at = '', kernel = '', tcpdump = ''] = stdout.split('\n').filter((line) => line.trim());
    const found = interfaceWith(JSON.parse(links || '[]'), address);
    if (!found)
      return { problem: `no interface of the node has its address ${address} (${stderr.trim() || 'ip address'})` };
    return {
      ...found,
      at: Number(at),
      kernel: kernel || null,
      tcpdump: /version/.test(tcpdump) ? tcpdump : null,
    };
  } catch (error) {
    if (error instanceof UnprobedNode) return { problem: error.reason };
    return { problem: `the node could not be entered: ${messageOf(error)}` };
  }
}

interface IpLink {
  ifname?: string;
  address?: string;
  addr_info?: { local?: string }[];
  stats64?: { tx?: { packets?: number } };
}

function interfaceWith(links: IpLink[], address: string) {
  const link = links.find(({ addr_info }) => addr_info?.some(({ local }) => local === address));
  if (!link?.ifname || !link.address) return undefined;
  return { interface: link.ifname, macAddress: link.address, packets: link.stats64?.tx?.packets ?? 0 };
}
