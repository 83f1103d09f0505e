import type { Finding } from '../../cni/calico/diagnosis/facts.ts';
import type { CalicoNode, WireguardDevice } from '../../cni/calico/keys.ts';
import { labFailure, lackingFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import { finish, type NodeShell } from '../../process/node-shell.ts';

/** Where a fault is put: one node, and another one for faults between two. */
export interface FaultSite {
  cluster: Cluster;
  shell: NodeShell;
  node: CalicoNode;
  other: CalicoNode;
  /** The WireGuard device's name, and the port of all nodes. */
  interface: string;
  port: number;
}

/** What must be known to take a fault away again, by name. Never a secret: it is kept in the lab's folder. */
export type Memory = Readonly<Record<string, string>>;

/**
 * One thing that can be wrong with encryption. Faults use what every engine has, the API and a shell on the node, and stay until
 * somebody mends them: on a real cluster Calico itself takes those of routes, rules and devices back after a minute or two.
 */
export interface Fault {
  /** What somebody who uses the lab would say, without the cause. */
  symptom: string;
  /** The link of diagnose's chain that is broken. */
  link: Finding['check'];
  /** What to remember, asked before anything is changed; `device` is the node's as it is. */
  prepare(site: FaultSite, device: WireguardDevice): Promise<Memory>;
  /** Puts it into effect; resolves when it is. */
  put(site: FaultSite, memory: Memory): Promise<void>;
  /** Takes it away. Also where it was mended by hand, in whole or in part. */
  heal(site: FaultSite, memory: Memory): Promise<void>;
}

/** Runs a script on the site's node with `$1`, `$2`… as given; gives what it printed. Throws Failure 5 where it fails. */
export async function onNode({ shell, node }: FaultSite, script: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await finish(await shell(node.name, ['sh', '-euc', script, 'fault', ...args]));
  if (status === 127) {
    throw lackingFailure(`${node.name} lacks a tool: ${stderr.trim()}`, {
      remedy: 'choose another fault: wglab break',
    });
  }
  if (status !== 0) throw labFailure(`on ${node.name}: ${stderr.trim() || `exit status ${status}`}`);
  return stdout.trim();
}
