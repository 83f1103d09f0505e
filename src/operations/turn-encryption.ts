import { hasCilium } from '../cni/cilium/state.ts';
import { switchEncryption } from '../cni/cilium/switch.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { NodeShell } from '../process/node-shell.ts';
import { type Change, setEncryption } from './encrypt.ts';

/** Turns encryption on or off with whichever CNI the cluster has, and resolves once every node has converged. */
export async function turnEncryption(
  cluster: Cluster,
  shell: NodeShell,
  encryption: 'none' | 'wireguard' | 'ipsec',
  change: Change,
): Promise<{ nodes: readonly { name: string }[] }> {
  const { info = () => undefined } = change;
  if (await hasCilium(cluster)) return switchEncryption(cluster, shell, encryption, { ...change, info });
  return setEncryption(cluster, shell, encryption !== 'none', change);
}
