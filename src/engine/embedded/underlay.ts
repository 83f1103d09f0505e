import { UPLINK } from '../../cni/calico/dataplane/constants.ts';
import type { SysctlWrite } from '../../cni/calico/dataplane/types.ts';
import { addressAt, numbersOf } from '../../net/families.ts';
import { parseCidr, toAddress, toNumber } from '../../net/ipv4.ts';

/** The bridge in the holder's namespace that plays the physical network. */
export const WIRE = 'wire';

/** The wire's own address: the first of the subnet. Nodes have it as their gateway, and nothing is behind it. */
export function wireAddress(subnet: string): string {
  return toAddress(parseCidr(subnet).first + 1);
}

/** The address of the node with this number, from 1: the second address of the subnet and so on. */
export function nodeAddress(subnet: string, number: number): string {
  return toAddress(parseCidr(subnet).first + 1 + number);
}

/** The part of the pods' network that Kubernetes gives to a node, counted from 0: a /24, as kind has it. */
export function nodePodCidr(podSubnet: string, index: number): string {
  return `${toAddress(parseCidr(podSubnet).first + index * 256)}/24`;
}

/** The IPv6 address of the node with this number: it ends in the same number as its IPv4 address. */
export function nodeAddress6(subnet: string, number: number): string {
  return addressAt(numbersOf(subnet).first + 1n + BigInt(number), 6);
}

/** The wire's end of a node's uplink: `wire` and the number of the node's address in the subnet (wire2 for 172.18.0.2). */
export function wirePort(subnet: string, address: string): string {
  return `${WIRE}${toNumber(address) - parseCidr(subnet).first}`;
}

/** Settings of the holder's namespace, which the wire lies in: it is a cable, and must not route. */
export const WIRE_SYSCTLS: readonly SysctlWrite[] = [
  { path: 'net/ipv4/ip_forward', value: '0' },
  { path: 'net/ipv6/conf/default/disable_ipv6', value: '1', optional: true },
];

/** Lines for `ip -batch -` in the holder's namespace that make the wire. `mtu` in bytes. */
export function wireLines(subnet: string, mtu: number): string[] {
  return [
    'link set dev lo up',
    `link add name ${WIRE} mtu ${mtu} type bridge mcast_snooping 0`,
    `address add ${wireAddress(subnet)}/${parseCidr(subnet).prefixLength} broadcast + dev ${WIRE}`,
    `link set dev ${WIRE} up`,
  ];
}

/**
 * Settings of a node, to be written before anything else in its namespace. They do not depend on the machine, whose
 * settings a new namespace starts with: a strict reverse-path filter would drop, not show, what a peer sends in plaintext.
 * The defaults are for the pods' interfaces (`interfaceSysctls` takes them back from the others). `proxy_delay` is not
 * among them: only the machine's first namespace has a default for it, so the plan writes it for each interface, and a
 * pod's first packet waits 0.8 s where it is sent before that. In a lab of IPv4 only there is no IPv6, so that the wire
 * has no router and neighbour discovery on it.
 */
export const NODE_SYSCTLS: readonly SysctlWrite[] = [
  { path: 'net/ipv4/ip_forward', value: '1' },
  { path: 'net/ipv4/conf/all/rp_filter', value: '0' },
  { path: 'net/ipv4/conf/default/rp_filter', value: '0' },
  { path: 'net/ipv4/conf/default/proxy_arp', value: '1' },
  { path: 'net/ipv4/conf/default/route_localnet', value: '1' },
  { path: 'net/ipv6/conf/default/disable_ipv6', value: '1', optional: true },
];

/**
 * The same for a node of a lab of both. Nobody waits for an address to be known as nobody else's, and nobody looks for
 * routers. Forwarding and proxy_ndp are what Felix writes for the pods' interfaces; here they are the default.
 */
export const DUAL_NODE_SYSCTLS: readonly SysctlWrite[] = [
  ...NODE_SYSCTLS.filter(({ path }) => !path.startsWith('net/ipv6/')),
  { path: 'net/ipv6/conf/default/disable_ipv6', value: '0' },
  { path: 'net/ipv6/conf/all/forwarding', value: '1' },
  { path: 'net/ipv6/conf/default/proxy_ndp', value: '1' },
  { path: 'net/ipv6/conf/default/accept_dad', value: '0' },
  { path: 'net/ipv6/conf/default/accept_ra', value: '0' },
  { path: 'net/ipv6/conf/default/router_solicitations', value: '0' },
];

/** A node's connection to the wire. */
export interface NodeUplink {
  subnet: string;
  address: string;
  /** In bytes. */
  mtu: number;
  /** A process in the node's network namespace, as the process that runs the lines numbers it. */
  pid: number;
}

/** Lines for the holder's namespace: the veth pair from the wire to the node's eth0. Many nodes fit into one batch. */
export function nodeUplinkLines({ subnet, address, mtu, pid }: NodeUplink): string[] {
  const port = wirePort(subnet, address);
  return [
    `link add name ${port} mtu ${mtu} type veth peer name ${UPLINK} mtu ${mtu} address ${uplinkMac(address)} netns ${pid}`,
    `link set dev ${port} master ${WIRE} up`,
  ];
}

/**
 * Lines for the node's namespace, after its uplink. The default route leads nowhere, but must be there: the kernel
 * answers the pods' ARP for their gateway only where it has a route to it.
 */
export function nodeInterfaceLines(subnet: string, address: string): string[] {
  return [
    'link set dev lo up',
    `address add ${address}/${parseCidr(subnet).prefixLength} broadcast + dev ${UPLINK}`,
    `link set dev ${UPLINK} up`,
    `route add default via ${wireAddress(subnet)} dev ${UPLINK}`,
  ];
}

/**
 * Lines for the node's namespace, after its interface: where the other nodes are on the wire. Not by ARP: all network
 * namespaces of a machine share one table of 1024 learned neighbours (net.ipv4.neigh.default.gc_thresh3), which 40 nodes
 * that know one another fill, and then packets are lost; permanent ones do not count.
 */
export function nodeNeighbourLines(address: string, nodeAddresses: readonly string[]): string[] {
  return nodeAddresses
    .filter((other) => other !== address)
    .map((other) => `neighbour replace ${other} lladdr ${uplinkMac(other)} dev ${UPLINK} nud permanent`);
}

/** A node's addresses on the wire. */
export interface DualAddress {
  address: string;
  address6: string;
}

/** Lines for the node's namespace, after those of IPv4: its IPv6 address, and where the others are. */
export function nodeIpv6Lines(subnet: string, own: DualAddress, nodes: readonly DualAddress[]): string[] {
  const others = nodes.filter(({ address }) => address !== own.address);
  return [
    `address add ${own.address6}/${numbersOf(subnet).prefixLength} dev ${UPLINK} nodad`,
    ...others.map(
      ({ address, address6 }) =>
        `neighbour replace ${address6} lladdr ${uplinkMac(address)} dev ${UPLINK} nud permanent`,
    ),
  ];
}

/** 02:42 and the address, as Docker numbered its containers: a capture shows at a glance which node a frame is from. */
function uplinkMac(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}
