import type { Family } from '../../../net/families.ts';

/**
 * The values that the dataplane computes with. `ClusterView` is what the datastore says; `NodeState` is what one node's kernel
 * has or should have. Both are plain data: the dataplane itself starts no process and reads no clock.
 */

/** The settings of FelixConfiguration that the embedded engine obeys, with Calico's defaults filled in (`felixSettings`). */
export interface FelixSettings {
  wireguardEnabled: boolean;
  wireguardInterfaceName: string;
  wireguardListeningPort: number;
  /** Bytes; 0 is automatic: the host's MTU less 60. */
  wireguardMTU: number;
  wireguardEnabledV6: boolean;
  wireguardInterfaceNameV6: string;
  wireguardListeningPortV6: number;
  /** Bytes; 0 is automatic: the host's MTU less 80. */
  wireguardMTUV6: number;
  wireguardRoutingRulePriority: number;
  /** Seconds; 0 is off. */
  wireguardKeepAlive: number;
  vxlanVNI: number;
  vxlanPort: number;
  /** Bytes; 0 is automatic: the host's MTU less 50. */
  vxlanMTU: number;
  /** Bytes; 0 is automatic: the host's MTU less 70. */
  vxlanMTUV6: number;
}

/** Everything that a node's dataplane depends on: for IPv4, and the same for IPv6 if there is an IPv6 pool. */
export interface ClusterView extends FamilyView {
  /** Its settings are `settingsForIpv6`; undefined in a cluster of IPv4 alone. */
  ipv6?: FamilyView | undefined;
}

/** The part of it that is about one version of IP: all addresses and blocks, settings and keys are that family's. */
export interface FamilyView {
  /** 4 where undefined. */
  family?: Family | undefined;
  nodes: NodeView[];
  /** As resolved for the node whose state is wanted: a FelixConfiguration `node.<name>` may differ from `default`. */
  felix: FelixSettings;
  /** The MTU of the nodes' underlay interface, in bytes. */
  hostMtu: number;
  /** The IP pool's encapsulation. `VXLAN` is always VXLAN (vxlanMode Always); CrossSubnet is not built. */
  encapsulation: 'VXLAN' | 'None';
}

export interface NodeView {
  name: string;
  /** The node's address on the wire, and the length of its prefix. */
  address: string;
  prefixLength: number;
  /** The IPAM blocks with affinity to the node, as CIDRs. */
  blocks: string[];
  /** Tunnel addresses and key as the node's annotations have them; undefined until there is one. */
  vxlanTunnelAddress?: string | undefined;
  wireguardAddress?: string | undefined;
  wireguardPublicKey?: string | undefined;
  /** True if WireGuard is on for this node: FelixConfiguration `node.<name>` wins over `default`. */
  wireguardEnabled: boolean;
  /** The pods on the node that have an address of their own (not the host's network). */
  pods: PodView[];
}

export interface PodView {
  namespace: string;
  name: string;
  address: string;
  /** The node's end of the pod's veth pair: `hostInterfaceName(namespace, name)`. */
  hostInterface: string;
}

/** The part of a node's network state that belongs to Felix: its devices, tables, protocols and rules. */
export interface NodeState {
  links: LinkState[];
  addresses: AddressState[];
  routes: RouteState[];
  rules: RuleState[];
  neighbours: NeighbourState[];
  fdb: FdbState[];
  /** The WireGuard devices that are Felix': none or one a family, but more can be there after the interface name was changed. */
  wireguard: WireguardState[];
  /** Value by path below /proc/sys, with slashes: device names have dots. */
  sysctls: Record<string, string>;
}

export interface LinkState {
  name: string;
  /** `wireguard` also for a device of wireguard-go, which the kernel calls `tun`; `other` is never wanted. */
  type: 'vxlan' | 'wireguard' | 'veth' | 'other';
  mtu: number;
  /** In lowercase; WireGuard devices have none. */
  mac?: string | undefined;
  up: boolean;
  vxlan?: VxlanState | undefined;
}

/** Settings that only a new device can change. */
export interface VxlanState {
  vni: number;
  port: number;
  local: string;
  parent: string;
}

export interface AddressState {
  device: string;
  address: string;
  prefixLength: number;
}

export interface RouteState {
  /** 254 is main. */
  table: number;
  /** Always with a prefix length. */
  destination: string;
  type: 'unicast' | 'throw' | 'blackhole';
  via?: string | undefined;
  device?: string | undefined;
  /** `universe` is what iproute2 calls global. */
  scope: 'universe' | 'link';
  /** 3 is boot, 80 is Calico's own for routes without a tunnel. */
  protocol: number;
  /** 0 if there is none. */
  metric: number;
  mtu?: number | undefined;
  onlink: boolean;
}

export interface RuleState {
  /** IPv4 where undefined. */
  family?: 6 | undefined;
  priority: number;
  /** The rule holds for packets that do not match. */
  not: boolean;
  mark: number;
  mask: number;
  table: number;
  /** As read: what else the rule looks at, which Felix' own never does. */
  selector?: string | undefined;
}

/** A permanent neighbour entry. */
export interface NeighbourState {
  device: string;
  address: string;
  mac: string;
}

/** A permanent entry of the VXLAN device's forwarding table: where a MAC is. */
export interface FdbState {
  device: string;
  mac: string;
  destination: string;
}

/** A WireGuard device without its private key, which nothing outside the kernel (or wireguard-go) needs. */
export interface WireguardState {
  name: string;
  listenPort: number;
  /** The mark on the encrypted packets; 0 is none. */
  mark: number;
  peers: WireguardPeer[];
  /** As read from the device; what should be is not known to the dataplane, so `planChanges` does not look at it. */
  publicKey?: string | undefined;
  /** As read: by the kernel's WireGuard or by wireguard-go. */
  dataplane?: 'kernel' | 'userspace' | undefined;
}

export interface WireguardPeer {
  publicKey: string;
  /** `address:port`; undefined only where read so. */
  endpoint?: string | undefined;
  /** CIDRs, in the order in which `wg show` prints them. */
  allowedIPs: string[];
  /** Seconds; 0 is off. */
  keepalive: number;
}

/** Steps to carry out on a node, one after another, until it has what it should have. */
export type ChangeStep =
  /** Lines for `ip -batch -` or `bridge -batch -`, in the node's network namespace. Rules alone do not say their family: `ip -6`. */
  | { kind: 'batch'; tool: BatchTool; lines: string[] }
  /** Values to write below /proc/sys. */
  | { kind: 'sysctl'; writes: SysctlWrite[] }
  /** Make the device, by the kernel or by wireguard-go, and give it a private key; it need not be up. */
  | { kind: 'createWireguard'; name: string }
  /** Remove the device; ending wireguard-go does that for its own. */
  | { kind: 'removeWireguard'; name: string }
  /** Arguments after `wg set`; none is secret. */
  | { kind: 'wgSet'; arguments: string[] };

/** A step that a tool carries out which reads what to do, line by line. */
export type BatchStep = Extract<ChangeStep, { kind: 'batch' | 'sysctl' }>;

export type BatchTool = 'ip' | 'ip -6' | 'bridge';

export interface SysctlWrite {
  path: string;
  value: string;
  /** The kernel may lack it (no IPv6): then it does not matter. */
  optional?: boolean;
}

export interface NodeChanges {
  /** Empty if nothing differs. */
  steps: ChangeStep[];
}
