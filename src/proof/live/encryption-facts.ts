import { type CalicoNode, calicoNodeV6, felixWireguard, isDualStack, wireguardDevice } from '../../cni/calico/keys.ts';
import { hasCilium } from '../../cni/cilium/state.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Node } from '../../kube/objects.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import type { Record } from '../record.ts';
import { ciliumFacts } from './cilium-facts.ts';
import { type Devices, type EncryptionFacts, type NodeEncryption, wireguardRecord } from './encryption-source.ts';

type Felix = Awaited<ReturnType<typeof felixWireguard>>;

/** Finds out which CNI the cluster has, and what it is asked to encrypt. */
export async function encryptionFacts(
  cluster: Cluster,
  shell: NodeShell,
  kubeNodes: readonly Node[],
): Promise<EncryptionFacts> {
  if (await hasCilium(cluster)) return ciliumFacts(cluster, shell);
  const felix = await felixWireguard(cluster);
  const dualStack = isDualStack(kubeNodes);
  return {
    encryption: calicoEncryption(felix),
    devicesOf: (node) => devicesOf(shell, node, felix, dualStack),
    recordOf: (node, kubeNode, before, after) => encryptionOf(node, kubeNode, felix, before, after),
  };
}

/** With Calico a node's own packet to a pod of another node goes through the tunnel, and a pod's packet to a node's address does not. */
function calicoEncryption({ enabled, interface: device, port, ipv6 }: Felix): Record['encryption'] {
  const kinds = [
    ...(enabled ? [{ families: [4 as const], interface: device, port }] : []),
    ...(ipv6.enabled ? [{ families: [6 as const], interface: ipv6.interface, port: ipv6.port }] : []),
  ].map((each) => ({ kind: 'wireguard' as const, ...each }));
  return { cni: 'calico', kinds, nodeToPod: 'leak', podToNode: 'by design', overlays: [] };
}

/** Asks a node for its devices: for IPv4, and for IPv6 if the cluster is dual-stack. */
async function devicesOf(shell: NodeShell, node: string, felix: Felix, dualStack: boolean): Promise<Devices> {
  const [ipv4, ipv6] = await Promise.all([
    wireguardDevice(shell, node, felix.interface),
    dualStack ? wireguardDevice(shell, node, felix.ipv6.interface, 6) : undefined,
  ]);
  return new Map([
    [4, ipv4],
    [6, ipv6],
  ]);
}

/** Returns the record of a node's encryption, and the addresses that its ciphertext has. */
function encryptionOf(
  node: CalicoNode,
  kubeNode: Node | undefined,
  felix: Felix,
  before: Devices | undefined,
  after: Devices | undefined,
): NodeEncryption {
  const ipv6 = kubeNode === undefined ? undefined : calicoNodeV6(kubeNode);
  const wireguard6 = wireguardRecord(felix.ipv6, ipv6?.publicKey, before?.get(6), after?.get(6));
  return {
    wireguard: wireguardRecord(felix, node.publicKey, before?.get(4), after?.get(4)),
    ...(wireguard6 ? { wireguard6 } : {}),
    ...(ipv6 && ipv6.address !== node.address ? { otherAddresses: [ipv6.address] } : {}),
  };
}
