import type { Finding } from '../../cni/calico/diagnosis/facts.ts';
import type { CalicoNode, WireguardDevice } from '../../cni/calico/keys.ts';
import { labFailure, lackingFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import { finish, type NodeShell } from '../../process/node-shell.ts';

/** The place of a fault: one node, and another one for faults between two. */
export interface FaultSite {
  cluster: Cluster;
  shell: NodeShell;
  node: CalicoNode;
  other: CalicoNode;
  /** The WireGuard device's name, and the port of all nodes. */
  interface: string;
  port: number;
}

/** Facts that are needed to undo a fault, by name. Never a secret: they are kept in the lab's folder. */
export type Memory = Readonly<Record<string, string>>;

/**
 * One thing that can be wrong with encryption. Faults use what every engine has, the API and a shell on the node, and stay until
 * somebody fixes them: on a real cluster Calico itself undoes those of routes, rules and devices after a minute or two.
 */
export interface Fault {
  /** The symptom, as a user of the lab would describe it, without the cause. */
  symptom: string;
  /** The link of diagnose's chain that is broken. */
  link: Finding['check'];
  /** Returns the facts to remember, before anything is changed; `device` is the node's as it is. */
  prepare(site: FaultSite, device: WireguardDevice): Promise<Memory>;
  /** Puts it into effect; resolves when it is. */
  put(site: FaultSite, memory: Memory): Promise<void>;
  /** Undoes it, also if it was fixed by hand, in whole or in part. */
  heal(site: FaultSite, memory: Memory): Promise<void>;
}

/** Runs a script on the site's node with the arguments `$1`, `$2`…; returns what it printed. Throws Failure 5 if it fails. */
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
