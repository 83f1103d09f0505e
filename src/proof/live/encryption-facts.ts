import {
  type CalicoNode,
  calicoNodeV6,
  type FelixWireguard,
  type felixWireguard,
  type WireguardDevice,
  wireguardDevice,
} from '../../cni/calico/keys.ts';
import type { Node } from '../../kube/objects.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import type { Record } from '../record.ts';

type Felix = Awaited<ReturnType<typeof felixWireguard>>;
type WireguardRecord = NonNullable<Record['nodes'][number]['wireguard']>;

/** The WireGuard devices of a node, by family; undefined if it has none. */
export type Devices = ReadonlyMap<4 | 6, WireguardDevice | undefined>;

/** With Calico a node's own packet to a pod of another node goes through the tunnel, and a pod's packet to a node's address does not. */
export function calicoEncryption({ enabled, interface: device, port, ipv6 }: Felix): Record['encryption'] {
  const kinds = [
    ...(enabled ? [{ families: [4 as const], interface: device, port }] : []),
    ...(ipv6.enabled ? [{ families: [6 as const], interface: ipv6.interface, port: ipv6.port }] : []),
  ].map((each) => ({ kind: 'wireguard' as const, ...each }));
  return { cni: 'calico', kinds, nodeToPod: 'leak', podToNode: 'by design', overlays: [] };
}

/** Asks a node for its devices, of the families that Calico does here. */
export async function devicesOf(shell: NodeShell, node: string, felix: Felix, dualStack: boolean): Promise<Devices> {
  const [ipv4, ipv6] = await Promise.all([
    wireguardDevice(shell, node, felix.interface),
    dualStack ? wireguardDevice(shell, node, felix.ipv6.interface, 6) : undefined,
  ]);
  return new Map([
    [4, ipv4],
    [6, ipv6],
  ]);
}

/** What the record says of a node's encryption, and the addresses that its ciphertext has. */
export function encryptionOf(
  node: CalicoNode,
  kubeNode: Node | undefined,
  felix: Felix,
  before: Devices | undefined,
  after: Devices | undefined,
): Pick<Record['nodes'][number], 'wireguard' | 'wireguard6' | 'otherAddresses'> {
  const ipv6 = kubeNode === undefined ? undefined : calicoNodeV6(kubeNode);
  const wireguard6 = wireguardRecord(felix.ipv6, ipv6?.publicKey, before?.get(6), after?.get(6));
  return {
    wireguard: wireguardRecord(felix, node.publicKey, before?.get(4), after?.get(4)),
    ...(wireguard6 ? { wireguard6 } : {}),
    ...(ipv6 && ipv6.address !== node.address ? { otherAddresses: [ipv6.address] } : {}),
  };
}

function wireguardRecord(
  wanted: FelixWireguard,
  publicKey: string | undefined,
  before: WireguardDevice | undefined,
  after: WireguardDevice | undefined,
): WireguardRecord | null {
  const device = after ?? before;
  if (!device && !publicKey) return null;
  return {
    interface: wanted.interface,
    publicKey: publicKey ?? null,
    deviceKey: device?.publicKey || null,
    listenPort: device?.listenPort || wanted.port,
    mtu: device?.mtu || null,
    peers: before && after ? { before: peersOf(before), after: peersOf(after) } : null,
  };
}

function peersOf({ peers }: WireguardDevice) {
  return peers.map(({ publicKey, latestHandshake, rx, tx }) => ({ publicKey, latestHandshake, rx, tx }));
}
