import type { WireguardDevice } from '../../cni/calico/keys.ts';
import { type AgentEncryption, agentPods, askAgent } from '../../cni/cilium/agent-status.ts';
import { VXLAN_PORT, WIREGUARD_DEVICE, WIREGUARD_PORT } from '../../cni/cilium/dataplane/constants.ts';
import { ciliumConfig, ciliumNodes, wantedEncryption } from '../../cni/cilium/state.ts';
import type { Cluster } from '../../kube/cluster.ts';
import { finish, type NodeShell } from '../../process/node-shell.ts';
import type { Record } from '../record.ts';
import { type EncryptionFacts, wireguardRecord } from './encryption-source.ts';

const DEVICE = { interface: WIREGUARD_DEVICE, port: WIREGUARD_PORT };

/** Returns the facts of encryption by Cilium: CiliumNodes publish the keys, and agents know the devices. */
export async function ciliumFacts(cluster: Cluster, shell: NodeShell): Promise<EncryptionFacts> {
  const [config, published, pods] = await Promise.all([
    ciliumConfig(cluster),
    ciliumNodes(cluster),
    agentPods(cluster),
  ]);
  const wanted = wantedEncryption(config);
  const keys = new Map(published.map(({ name, publicKey }) => [name, publicKey]));
  return {
    encryption: encryptionBy(wanted, config),
    async devicesOf(node) {
      const pod = pods.get(node);
      if (wanted !== 'wireguard' || !pod) return new Map();
      const [agent, mtu] = await Promise.all([askAgent(cluster, pod, { peers: true }), mtuOf(shell, node)]);
      return new Map([[4 as const, deviceOf(agent, mtu)]]);
    },
    recordOf: ({ name }, _kubeNode, before, after) => ({
      wireguard: wireguardRecord(DEVICE, keys.get(name), before?.get(4), after?.get(4)),
    }),
  };
}

/**
 * In tunnel mode all of the overlay is encrypted, whatever it carries, a node's own packets to pods among it: so any packet of VXLAN
 * between two nodes is a leak once encryption is on. A pod's packet to the address of a node leaves as it is.
 */
function encryptionBy(
  wanted: ReturnType<typeof wantedEncryption>,
  config: Readonly<{ [key: string]: string }>,
): Record['encryption'] {
  const isTunnel = (config['routing-mode'] ?? 'tunnel') === 'tunnel';
  const kinds = {
    none: [],
    wireguard: [{ kind: 'wireguard' as const, families: [4 as const], ...DEVICE }],
    ipsec: [{ kind: 'esp' as const, families: [4 as const], port: null }],
  }[wanted];
  return {
    cni: 'cilium',
    kinds,
    nodeToPod: isTunnel ? 'leak' : 'by design',
    podToNode: 'by design',
    overlays: isTunnel && wanted !== 'none' ? [{ protocol: 'udp', port: VXLAN_PORT }] : [],
  };
}

/** Returns the MTU of the device, the length of its longest packets; 0 if the node has no such device. */
async function mtuOf(shell: NodeShell, node: string): Promise<number> {
  const { stdout } = await finish(await shell(node, ['cat', `/sys/class/net/${WIREGUARD_DEVICE}/mtu`]));
  return Number(stdout) || 0;
}

function deviceOf({ wireguard }: AgentEncryption, mtu: number): WireguardDevice | undefined {
  if (!wireguard) return undefined;
  const peers = wireguard.peers.map(({ publicKey, endpoint, allowedIps, latestHandshake, rx, tx }) => ({
    ...{ publicKey, endpoint, latestHandshake, rx, tx },
    allowedIPs: [...allowedIps],
  }));
  const { publicKey, port: listenPort } = wireguard;
  return { up: true, publicKey, listenPort, mark: '0xe00', mtu, addresses: [], routes: [], peers };
}
