import { labFailure, lackingFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { KubeObject, Node } from '../../kube/objects.ts';
import { isForbidden } from '../../kube/transient.ts';
import { finish, type NodeShell } from '../../process/node-shell.ts';

/** Annotations by which Calico publishes what a node has (libcalico-go, backend/k8s/resources/node.go). */
const IPV4_NAMES = {
  vxlanAddress: 'projectcalico.org/IPv4VXLANTunnelAddr',
  wireguardAddress: 'projectcalico.org/IPv4WireguardInterfaceAddr',
  publicKey: 'projectcalico.org/WireguardPublicKey',
} as const;
const IPV6_ADDRESS = 'projectcalico.org/IPv6Address';
const IPV6_NAMES = {
  vxlanAddress: 'projectcalico.org/IPv6VXLANTunnelAddr',
  wireguardAddress: 'projectcalico.org/IPv6WireguardInterfaceAddr',
  publicKey: 'projectcalico.org/WireguardPublicKeyV6',
} as const;

/**
 * Returns the commands that a person would type for the same. In a cluster of both families, encryption is turned on for one after
 * the other: Calico 3.32 may miss a tunnel address when both change at once.
 */
export function patchCommands(enabled: boolean, dualStack: boolean): string[] {
  return felixChanges(enabled, dualStack).map(
    (spec) => `kubectl patch felixconfiguration default --type=merge -p '${JSON.stringify({ spec })}'`,
  );
}

/** Returns the changes of FelixConfiguration that turn encryption on or off, in their order. Each family has its own switch. */
export function felixChanges(enabled: boolean, dualStack: boolean): FelixSwitches[] {
  const [ipv4, ipv6] = [{ wireguardEnabled: enabled }, { wireguardEnabledV6: enabled }];
  if (!dualStack) return [ipv4];
  return enabled ? [ipv4, ipv6] : [{ ...ipv4, ...ipv6 }];
}

export interface FelixSwitches {
  wireguardEnabled?: boolean;
  wireguardEnabledV6?: boolean;
}

interface FelixConfiguration extends KubeObject {
  spec?: {
    wireguardEnabled?: boolean;
    wireguardInterfaceName?: string;
    wireguardListeningPort?: number;
    wireguardEnabledV6?: boolean;
    wireguardInterfaceNameV6?: string;
    wireguardListeningPortV6?: number;
    routeSource?: string;
  };
}

/** Calico's own API server, a pod that may be cut off, and the CustomResourceDefinitions that it keeps its objects in. */
const OWN = 'projectcalico.org/v3';
const DEFINITIONS = 'crd.projectcalico.org/v1';

/** Returns the group through which to change a kind of Calico's; undefined if the cluster has no Calico. */
export async function calicoGroup(
  cluster: Cluster,
  kind: string,
  groups: readonly string[] = [OWN, DEFINITIONS],
): Promise<string | undefined> {
  for (const group of groups) if (await cluster.serves(group, kind)) return group;
  return undefined;
}

/**
 * Returns the group from which to read a kind of Calico's: the CustomResourceDefinitions, which the API server itself serves, unless
 * it serves Calico's own group itself too: then the others are what an older installation left.
 */
export async function calicoReadGroup(cluster: Cluster, kind: string): Promise<string | undefined> {
  const [definitions, ownIsElsewhere] = await Promise.all([
    cluster.serves(DEFINITIONS, kind),
    isServedElsewhere(cluster),
  ]);
  return definitions && ownIsElsewhere ? DEFINITIONS : calicoGroup(cluster, kind);
}

interface ApiService extends KubeObject {
  spec?: { service?: object | null };
}

/** Returns whether another server than the API server itself serves Calico's own group. False if nobody may know. */
async function isServedElsewhere(cluster: Cluster): Promise<boolean> {
  const reference = {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v3.projectcalico.org' },
  };
  try {
    const found = await cluster.get<ApiService>(reference);
    return found === undefined || Boolean(found.spec?.service);
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

/** Returns the cluster-wide FelixConfiguration, to be read; undefined if the cluster has no Calico. */
export async function felixKind(cluster: Cluster) {
  return felixReference(await calicoReadGroup(cluster, 'FelixConfiguration'));
}

function felixReference(apiVersion: string | undefined) {
  return apiVersion === undefined
    ? undefined
    : { apiVersion, kind: 'FelixConfiguration', metadata: { name: 'default' } };
}

export interface FelixWireguard {
  enabled: boolean;
  interface: string;
  port: number;
}

/**
 * Returns the cluster-wide settings for IPv4 and IPv6, with Calico's defaults; without Calico, encryption is off. `routesBlocks`: nodes route
 * each other's blocks of addresses, and not single pods (felix, l3_route_resolver.go).
 */
export async function felixWireguard(
  cluster: Cluster,
): Promise<FelixWireguard & { ipv6: FelixWireguard; routesBlocks: boolean }> {
  const reference = await felixKind(cluster);
  const found = reference ? await cluster.get<FelixConfiguration>(reference) : undefined;
  const spec = found?.spec ?? {};
  return {
    enabled: spec.wireguardEnabled ?? false,
    interface: spec.wireguardInterfaceName ?? 'wireguard.cali',
    port: spec.wireguardListeningPort ?? 51820,
    ipv6: {
      enabled: spec.wireguardEnabledV6 ?? false,
      interface: spec.wireguardInterfaceNameV6 ?? 'wg-v6.cali',
      port: spec.wireguardListeningPortV6 ?? 51821,
    },
    routesBlocks: spec.routeSource !== 'WorkloadIPs',
  };
}

/** The annotations of a node, for IPv4 or for IPv6. */
export interface CalicoNode {
  name: string;
  address: string;
  vxlanAddress?: string;
  wireguardAddress?: string;
  publicKey?: string;
}

export function calicoNode({ metadata, status }: Node): CalicoNode {
  return {
    name: metadata?.name ?? '',
    address: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
    ...published(metadata?.annotations ?? {}, IPV4_NAMES),
  };
}

/** The same for IPv6; undefined for a node that has no IPv6 address that Calico knows. */
export function calicoNodeV6({ metadata }: Node): CalicoNode | undefined {
  const annotations = metadata?.annotations ?? {};
  const [address] = (annotations[IPV6_ADDRESS] ?? '').split('/');
  return address ? { name: metadata?.name ?? '', address, ...published(annotations, IPV6_NAMES) } : undefined;
}

/** Returns whether Calico has IPv6 as well as IPv4 here. */
export function isDualStack(nodes: readonly Node[]): boolean {
  return nodes.some((node) => calicoNodeV6(node) !== undefined);
}

function published(
  annotations: Readonly<Record<string, string>>,
  names: typeof IPV4_NAMES | typeof IPV6_NAMES,
): Pick<CalicoNode, keyof typeof IPV4_NAMES> {
  const found = Object.entries(names).map(([what, annotation]) => [what, annotations[annotation]]);
  return Object.fromEntries(found.filter(([, value]) => value));
}

interface BlockAffinity extends KubeObject {
  spec?: { cidr?: string; node?: string; state?: string; deleted?: string | boolean };
}

/** Returns the networks that a node's pod addresses come from, by its name; none if something other than Calico assigns addresses. */
export async function podBlocks(cluster: Cluster): Promise<(node: string, family: 4 | 6) => string[]> {
  const group = await calicoReadGroup(cluster, 'BlockAffinity');
  const found = group === undefined ? [] : (await cluster.list<BlockAffinity>(group, 'BlockAffinity')).items;
  const own = found.flatMap(({ spec: { cidr, node, state = 'confirmed', deleted } = {} }) =>
    cidr !== undefined && state === 'confirmed' && String(deleted) !== 'true' ? [{ cidr, node }] : [],
  );
  return (name, family) =>
    own.flatMap(({ cidr, node }) => (node === name && cidr.includes(':') === (family === 6) ? [cidr] : []));
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
  up: boolean;
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

/**
 * Everything about the device but its private key and the peers' preshared keys, which must not leave the node: what `wg show dump`
 * prints of them, the first column of its first line and the second of the others, is cut out at once. Few processes, as all
 * nodes are asked again and again while encryption turns on.
 */
const SHOW_DEVICE = `[ -e "/sys/class/net/$1" ] || exit 0
read -r mtu < "/sys/class/net/$1/mtu" && printf 'mtu\\t%s\\n' "$mtu"
read -r flags < "/sys/class/net/$1/flags" && [ $((flags & 1)) = 1 ] && printf 'up\\tyes\\n'
ip -o "$2" addr show dev "$1" | sed -n 's/.* inet6* \\([^ ]*\\).*/address\\t\\1/p'
ip "$2" rule show | sed -n 's/^\\([0-9]*\\):.*not.*fwmark.*lookup \\(1\\|1\\b.*\\)$/rule\\t\\1/p'
ip -o "$2" route show table 1 dev "$1" 2> /dev/null | sed -n 's/^\\([^ ]*\\).*/route\\t\\1/p'
wg show "$1" dump | sed -n '1s/^[^\\t]*\\t/device\\t/p; 2,$s/^\\([^\\t]*\\)\\t[^\\t]*/peer\\t\\1/p'`;

/** Asks a node for its WireGuard device; undefined if it has none. Throws Failure 5 if it cannot be asked. */
export async function wireguardDevice(
  shell: NodeShell,
  node: string,
  name: string,
  family: 4 | 6 = 4,
): Promise<WireguardDevice | undefined> {
  const argv = ['sh', '-c', SHOW_DEVICE, 'show', name, `-${family}`];
  const { status, stdout, stderr } = await finish(await shell(node, argv));
  if (status !== 0) throw labFailure(`cannot look at ${name} on ${node}: ${stderr.trim() || `exit status ${status}`}`);
  if (!stdout) return undefined;
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const values = (what: string) => lines.filter(([key]) => key === what).map(([, ...fields]) => fields);
  const first = (what: string) => values(what)[0]?.[0] ?? '';
  const [publicKey = '', listenPort, mark = ''] = values('device')[0] ?? [];
  const rule = first('rule');
  return {
    up: first('up') === 'yes',
    publicKey: publicKey === '(none)' ? '' : publicKey,
    listenPort: Number(listenPort ?? 0),
    mark,
    mtu: Number(first('mtu')),
    addresses: values('address').map(([address = '']) => address),
    ...(rule ? { rule: Number(rule) } : {}),
    routes: values('route').map(([network = '']) => network),
    peers: values('peer').map(([key = '', endpoint = '', allowed = '', handshake, rx, tx]) => ({
      publicKey: key,
      endpoint,
      allowedIPs: allowed.split(',').filter((cidr) => cidr && cidr !== '(none)'),
      latestHandshake: Number(handshake ?? 0),
      rx: Number(rx ?? 0),
      tx: Number(tx ?? 0),
    })),
  };
}

/** Changes FelixConfiguration. Throws failure 4 if the cluster has no Calico. */
export async function patchFelix(cluster: Cluster, spec: FelixSwitches): Promise<void> {
  const reference = felixReference(await calicoGroup(cluster, 'FelixConfiguration'));
  if (!reference) {
    throw lackingFailure('the cluster has no Calico, and wglab knows to turn on no other encryption', {
      remedy: "Turn it on as the cluster's own CNI wants it; wglab verify looks at any cluster.",
    });
  }
  await cluster.patch(reference, { spec });
}
