import { finish, type NodeShell } from '../engine/run.ts';
import { labFailure } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { KubeObject, Node } from '../kube/objects.ts';

/** Annotations by which Calico publishes what a node has (libcalico-go, backend/k8s/resources/node.go). */
const WIREGUARD_KEY = 'projectcalico.org/WireguardPublicKey';
const WIREGUARD_ADDRESS = 'projectcalico.org/IPv4WireguardInterfaceAddr';
const VXLAN_ADDRESS = 'projectcalico.org/IPv4VXLANTunnelAddr';

/** The command that a person would type for the same, shown to learners; by its full name, which is right with and without Calico's API server. */
export function patchCommand(enabled: boolean): string {
  return `kubectl patch felixconfiguration default --type=merge -p '{"spec":{"wireguardEnabled":${enabled}}}'`;
}

interface FelixConfiguration extends KubeObject {
  spec?: {
    wireguardEnabled?: boolean;
    wireguardInterfaceName?: string;
    wireguardListeningPort?: number;
  };
}

const FELIX = { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', metadata: { name: 'default' } };

/** What is asked for cluster-wide, with Calico's defaults. */
export async function felixWireguard(cluster: Cluster): Promise<{ enabled: boolean; interface: string; port: number }> {
  const spec = (await cluster.get<FelixConfiguration>(FELIX))?.spec ?? {};
  return {
    enabled: spec.wireguardEnabled ?? false,
    interface: spec.wireguardInterfaceName ?? 'wireguard.cali',
    port: spec.wireguardListeningPort ?? 51820,
  };
}

/** What a node publishes of itself. */
export interface CalicoNode {
  name: string;
  address: string;
  vxlanAddress?: string;
  wireguardAddress?: string;
  publicKey?: string;
}

export function calicoNode({ metadata, status }: Node): CalicoNode {
  const annotations = metadata?.annotations ?? {};
  const [vxlanAddress, wireguardAddress, publicKey] = [VXLAN_ADDRESS, WIREGUARD_ADDRESS, WIREGUARD_KEY].map(
    (key) => annotations[key],
  );
  return {
    name: metadata?.name ?? '',
    address: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
    ...(vxlanAddress ? { vxlanAddress } : {}),
    ...(wireguardAddress ? { wireguardAddress } : {}),
    ...(publicKey ? { publicKey } : {}),
  };
}

export interface WireguardPeerStatus {
  publicKey: string;
  endpoint: string;
  allowedIPs: string[];
  /** Seconds since 1970; 0 for never. */
  latestHandshake: number;
  rx: number;
  tx: number;
}

/** A WireGuard device as the node itself shows it. */
export interface WireguardDevice {
  publicKey: string;
  listenPort: number;
  mark: string;
  mtu: number;
  addresses: string[];
  /** Priority of the rule that sends what carries no mark to the device's table; undefined without one. */
  rule?: number;
  /** Networks that table 1 routes into the device. */
  routes: string[];
  peers: WireguardPeerStatus[];
}

/** Everything about the device but its private key, which `wg show DEV dump` would print: field by field, tab-separated. */
const SHOW_DEVICE = `[ -e "/sys/class/net/$1" ] || exit 0
echo "mtu	$(cat "/sys/class/net/$1/mtu")"
ip -o -4 addr show dev "$1" | while read -r _ _ _ address _; do echo "address	$address"; done
ip rule show | sed -n 's/^\\([0-9]*\\):.*not.*fwmark.*lookup \\(1\\|1\\b.*\\)$/rule	\\1/p'
ip -o route show table 1 dev "$1" 2> /dev/null | while read -r network _; do echo "route	$network"; done
for what in public-key listen-port fwmark endpoints allowed-ips latest-handshakes transfer; do
  wg show "$1" "$what" | while IFS= read -r line; do printf '%s\\t%s\\n' "$what" "$line"; done
done`;

/** Asks a node for its WireGuard device; undefined where it has none. Throws Failure 5 where it cannot be asked. */
export async function wireguardDevice(
  shell: NodeShell,
  node: string,
  name: string,
): Promise<WireguardDevice | undefined> {
  const { status, stdout, stderr } = await finish(await shell(node, ['sh', '-c', SHOW_DEVICE, 'show', name]));
  if (status !== 0) throw labFailure(`cannot look at ${name} on ${node}: ${stderr.trim() || `exit status ${status}`}`);
  if (!stdout) return undefined;
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const values = (what: string) => lines.filter(([key]) => key === what).map(([, ...fields]) => fields);
  const first = (what: string) => values(what)[0]?.[0] ?? '';
  const ofPeer = (what: string, key: string) =>
    values(what)
      .find(([peer]) => peer === key)
      ?.slice(1) ?? [];
  const rule = first('rule');
  return {
    publicKey: first('public-key') === '(none)' ? '' : first('public-key'),
    listenPort: Number(first('listen-port')),
    mark: first('fwmark'),
    mtu: Number(first('mtu')),
    addresses: values('address').map(([address = '']) => address),
    ...(rule ? { rule: Number(rule) } : {}),
    routes: values('route').map(([network = '']) => network),
    peers: values('endpoints').map(([publicKey = '', endpoint = '']) => {
      const [rx, tx] = ofPeer('transfer', publicKey).map(Number);
      const allowed = (ofPeer('allowed-ips', publicKey)[0] ?? '').split(' ');
      const [latestHandshake] = ofPeer('latest-handshakes', publicKey).map(Number);
      return {
        publicKey,
        endpoint,
        allowedIPs: allowed.filter((cidr) => cidr && cidr !== '(none)'),
        latestHandshake: latestHandshake ?? 0,
        rx: rx ?? 0,
        tx: tx ?? 0,
      };
    }),
  };
}

/** Asks for encryption, or for none. */
export async function patchFelix(cluster: Cluster, enabled: boolean): Promise<void> {
  await cluster.patch(FELIX, { spec: { wireguardEnabled: enabled } });
}
