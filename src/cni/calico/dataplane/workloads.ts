import { createHash } from 'node:crypto';
import { bitsOf, type Family, isAddressOf } from '../../../net/families.ts';
import { MAIN_TABLE, PROTO_DEVICE, UPLINK, WORKLOAD_PREFIX } from './constants.ts';
import { podMtu } from './mtu.ts';
import type { ClusterView, LinkState, NodeView, RouteState } from './types.ts';

/** The MAC of the nodes' end of every pod's veth pair: pods know their gateway by it. */
export const HOST_SIDE_MAC = 'ee:ee:ee:ee:ee:ee';

/** The name of the node's end of a pod's veth pair: Calico's `cali` and 11 hex digits of SHA-1 over "namespace.pod". */
export function hostInterfaceName(namespace: string, pod: string): string {
  return `${WORKLOAD_PREFIX}${createHash('sha1').update(`${namespace}.${pod}`).digest('hex').slice(0, 11)}`;
}

/** Returns the nodes' ends of the veth pairs. The CNI makes and removes them, so `planChanges` only checks whether they exist. */
export function workloadLinks(view: ClusterView, node: NodeView): LinkState[] {
  const mtu = podMtu(view, node.name);
  return node.pods.map((pod) => ({ name: pod.hostInterface, type: 'veth', mtu, mac: HOST_SIDE_MAC, up: true }));
}

/** A route to each pod on the node: to its address alone, of link scope, with metric 1024 since Calico 3.32. */
export function workloadRoutes(node: NodeView, family: Family = 4): RouteState[] {
  return node.pods
    .filter((pod) => isAddressOf(family, pod.address))
    .map((pod) => ({
      table: MAIN_TABLE,
      destination: `${pod.address}/${bitsOf(family)}`,
      type: 'unicast',
      device: pod.hostInterface,
      scope: family === 4 ? 'link' : 'universe', // IPv6 has no scopes
      protocol: PROTO_DEVICE,
      metric: 1024,
      onlink: false,
    }));
}

/**
 * The settings that Felix makes on the pods' interfaces, so that the node answers their ARP for 169.254.1.1 at once, and that the node's
 * other interfaces do not do the same: NODE_SYSCTLS makes most of it the default for new ones.
 */
export function interfaceSysctls(node: NodeView, felixDevices: readonly string[]): Record<string, string> {
  const sysctls: Record<string, string> = { 'net/ipv4/ip_forward': '1' };
  for (const pod of node.pods) {
    const conf = `net/ipv4/conf/${pod.hostInterface}`;
    sysctls[`${conf}/rp_filter`] = '0';
    sysctls[`${conf}/route_localnet`] = '1';
    sysctls[`${conf}/proxy_arp`] = '1';
    sysctls[`${conf}/forwarding`] = '1';
    sysctls[`net/ipv4/neigh/${pod.hostInterface}/proxy_delay`] = '0';
  }
  for (const device of [UPLINK, ...felixDevices]) {
    sysctls[`net/ipv4/conf/${device}/proxy_arp`] = '0';
    sysctls[`net/ipv4/conf/${device}/route_localnet`] = '0';
  }
  return sysctls;
}
