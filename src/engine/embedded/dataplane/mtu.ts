import type { ClusterView } from './types.ts';

/** What VXLAN over IPv4 puts around a packet: IP 20, UDP 8, VXLAN 8, Ethernet 14 bytes. */
const VXLAN_OVERHEAD = 50;

/** What WireGuard over IPv4 puts around a packet: IP 20, UDP 8, WireGuard 32 bytes. */
const WIREGUARD_OVERHEAD = 60;

/** The MTU of vxlan.calico, in bytes: 1450 on 1500. WireGuard does not change it. */
export function vxlanMtu(view: ClusterView): number {
  return view.felix.vxlanMTU || view.hostMtu - VXLAN_OVERHEAD;
}

/** The MTU of wireguard.cali, in bytes: 1440 on 1500. */
export function wireguardMtu(view: ClusterView): number {
  return view.felix.wireguardMTU || view.hostMtu - WIREGUARD_OVERHEAD;
}

/**
 * The MTU of the pods that are made now, in bytes: the least among the encapsulations that are on. Pods that stand keep
 * what they have. Whether WireGuard is on is the node's own setting where a node is named, else the cluster's.
 */
export function podMtu(view: ClusterView, nodeName?: string): number {
  const node = view.nodes.find((node) => node.name === nodeName);
  const wireguardEnabled = node ? node.wireguardEnabled : view.felix.wireguardEnabled;
  return Math.min(
    view.hostMtu,
    ...(view.encapsulation === 'VXLAN' ? [vxlanMtu(view)] : []),
    ...(wireguardEnabled ? [wireguardMtu(view)] : []),
  );
}
