import type { CalicoNode, FelixWireguard, WireguardDevice } from '../../cni/calico/keys.ts';
import type { Node } from '../../kube/objects.ts';
import type { Record } from '../record.ts';

type WireguardRecord = NonNullable<Record['nodes'][number]['wireguard']>;

/** The WireGuard devices of a node, by family; undefined if it has none. */
export type Devices = ReadonlyMap<4 | 6, WireguardDevice | undefined>;

/** The facts of encryption that the proof needs, with any CNI. */
export interface EncryptionFacts {
  /** The traffic that must be, and that must not be, on the wire. */
  readonly encryption: Record['encryption'];
  /** Asks a node for its devices. */
  devicesOf(node: string): Promise<Devices>;
  /** Returns the record of a node's encryption, and the addresses that its ciphertext has. */
  recordOf(
    node: CalicoNode,
    kubeNode: Node | undefined,
    before: Devices | undefined,
    after: Devices | undefined,
  ): NodeEncryption;
}

export type NodeEncryption = Pick<Record['nodes'][number], 'wireguard' | 'wireguard6' | 'otherAddresses'>;

export function wireguardRecord(
  wanted: Pick<FelixWireguard, 'interface' | 'port'>,
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
