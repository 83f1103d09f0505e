import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from '../../../process/tool.ts';
import { type Keeper, startKeeper } from '../keeper.ts';

/** A node of the lab: network, mount and host name namespaces, which live as long as their keeper. */
export interface NodeNamespaces extends Omit<Keeper, 'end'> {
  readonly name: string;
  /** argv that runs a command in the node's network, mount and host name namespaces. Throws ToolError where they have ended. */
  enter(argv: readonly string[]): string[];
  /** Resolves when its keeper ended, whoever ended it; what else ran on the node is ended then. */
  readonly ended: Promise<void>;
}

/** The folders in every node's /run. */
const RUN_FOLDERS = ['wireguard', 'netns', 'lock'];

/**
 * Makes a node of fresh namespaces. Each node has a /run of its own, since wireguard-go keeps its control socket
 * in /var/run/wireguard under the interface's name, which is the same on every node: a folder that pods in the node's network
 * can be given too; and a /sys that shows its own interfaces.
 */
const BECOME_A_NODE = `mount -o bind "$2" /etc/hosts
[ -z "$4" ] || mount -o bind "$4" /etc/wireguard
[ -z "$5" ] || { mkdir -p "$3/tools" && mount -o bind "$5" "$3/tools"; }
mount -o rbind "$3" /run
mount -t sysfs sysfs /sys
hostname "$1"`;

/** Further folders that a node may have of its own. */
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
  for (const folder of RUN_FOLDERS) mkdirSync(join(runFolder, folder), { recursive: true });
  const fresh = ['unshare', '--net', '--mount', '--uts', '--propagation', 'private'];
  const keeper = await startKeeper(`the namespaces of node ${name}`, fresh, BECOME_A_NODE, [
    name,
    hostsFile,
    runFolder,
    wireguard,
    tools,
  ]);
  const network = networkOf(keeper.pid);
  return {
    name,
    pid: keeper.pid,
    get isAlive() {
      return keeper.isAlive;
    },
    run: keeper.run,
    enter(command) {
      // Its number may be another process's by now, and that one's network would be entered.
      if (!keeper.isAlive) throw new ToolError(['nsenter', name], "the node's first process has ended", '');
      return ['nsenter', '--target', String(keeper.pid), '--net', '--mount', '--uts', '--', ...command];
    },
    ended: keeper.ended.then(() => endAllIn(network)),
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
