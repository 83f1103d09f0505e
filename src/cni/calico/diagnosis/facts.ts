import type { Family } from '../families.ts';
import type { CalicoNode, WireguardDevice } from '../keys.ts';

/** Everything known of one node, for one family of addresses, when it is asked why encryption is not in force there. */
export interface NodeFindings extends CalicoNode {
  /** WireGuard on this machine: by the kernel, the program wireguard-go, or nothing that can be seen. */
  wireguard: 'kernel' | 'userspace' | 'none';
  kernel: string;
  /** The wishes of FelixConfiguration for this node, and which object says so. */
  felix: { enabled: boolean; by: string; interface: string; port: number; priority: number };
  /** Which object says so of the port. */
  portBy: string;
  device?: WireguardDevice;
  /** The interface that has the node's address, and its MTU; undefined if it could not be found. */
  underlay?: { device: string; mtu: number };
  /** Networks of the node's pods. */
  blocks: string[];
  /** Rules outside Calico's and kube-proxy's own chains that drop packets or set marks. */
  firewall: FirewallRule[];
  /** Routing rules that come before Calico's and lead elsewhere, as `ip rule` shows them. */
  detours: string[];
  /** Routes in table 1 that are not Calico's, as `ip route` shows them. */
  strayRoutes: string[];
  /** True if the kernel forwards packets of this family; undefined if it did not say. */
  forwards?: boolean;
  /** Processes that hold WireGuard's UDP port, as `name (process 123)`. */
  portHolders: { name: string; pid: number }[];
  /** The devices by which the kernel sends packets from a pod of this node to pods of other nodes. */
  paths: PodPath[];
  /** Nodes that were sent a datagram through the tunnel, and whether it arrived; undefined if nothing was sent. */
  tunnels?: { node: string; arrived: boolean }[];
  /** The fate of packets that were sent from a pod of this node to a pod of another; undefined if no pod could be entered. */
  traffic?: PodTraffic[];
  /** Why the node could not be asked: then only what Kubernetes and Calico say of it is known. */
  unprobed?: string;
}

export interface FirewallRule {
  by: 'iptables' | 'ip6tables' | 'nft';
  /** `filter` of iptables; `inet f` of nft. */
  table: string;
  chain: string;
  /** Lowercase; of an iptables chain of one's own it is not known. */
  hook?: string;
  /** The rule as it is printed: `-A INPUT -s 10.0.0.1 -j DROP`, `udp dport 51820 drop # handle 3`, `policy drop`. */
  text: string;
}

export interface PodPath {
  pod: string;
  node: string;
  /** The device that the kernel chose, or its refusal. */
  device?: string;
  refused?: string;
}

export interface PodTraffic {
  /** Addresses. */
  from: string;
  to: string;
  node: string;
  sentBytes: number;
  /** The growth of the tunnel's counters, on this node and on the other; undefined if that node could not be asked. */
  carriedBytes: number;
  arrivedBytes?: number;
  /** The growth of the underlay's counter beyond that. */
  besideBytes: number;
  /** True if the other pod, or its kernel for it, answered a connection. */
  answered: boolean;
}

/** One link of the chain on one node. */
export interface Finding {
  /** The link's name, after the family's if that is not IPv4. */
  check: `${Family['before']}${Link}`;
  node: string;
  /** Null if it cannot be judged, because an earlier link is broken or it could not be tried. */
  ok: boolean | null;
  seen: string;
  expected: string;
  /** The remedy; empty if nothing is wrong. */
  remedy: string;
}

/** From what everything else needs to what shows that it works. */
export const CHAIN = [
  'kernel',
  'felix configuration',
  'device',
  'port',
  'address',
  'public key',
  'peers',
  'firewall',
  'handshakes',
  'forwarding',
  'rule',
  'mark',
  'routes',
  'mtu',
  'tunnel',
  'traffic',
] as const;

export type Link = (typeof CHAIN)[number];

export type Judged = Pick<Finding, 'ok' | 'seen' | 'expected' | 'remedy'>;

export type Judge = (node: NodeFindings, nodes: readonly NodeFindings[], family: Family) => Judged;

export function judge(ok: boolean, { seen, expected, remedy }: Omit<Judged, 'ok'>): Judged {
  return { ok, seen, expected, remedy: ok ? '' : remedy };
}

export function unknown(seen: string, remedy = ''): Judged {
  return { ok: null, seen, expected: '', remedy };
}

export function withDevice(node: NodeFindings, look: (device: WireguardDevice) => Judged): Judged {
  return node.device ? look(node.device) : unknown(`no device ${node.felix.interface}`);
}

/** A command on a node, to be pasted as it is. */
export function onNode(node: string, command: string): string {
  return `wglab exec ${node} -- ${command}`;
}
