import type { ClusterView, FamilyView } from './types.ts';

/** The bytes that VXLAN adds to a packet: IP 20 or 40, UDP 8, VXLAN 8, Ethernet 14 bytes. */
const VXLAN_OVERHEAD = { 4: 50, 6: 70 } as const;

/** The bytes that WireGuard adds to a packet: IP 20 or 40, UDP 8, WireGuard 32 bytes. */
const WIREGUARD_OVERHEAD = { 4: 60, 6: 80 } as const;

/** The MTU of vxlan.calico or vxlan-v6.calico, in bytes: 1450 and 1430 on 1500. WireGuard does not change it. */
export function vxlanMtu({ felix, hostMtu, family = 4 }: FamilyView): number {
  return felix.vxlanMTU || hostMtu - VXLAN_OVERHEAD[family];
}

/** The MTU of wireguard.cali or wg-v6.cali, in bytes: 1440 and 1420 on 1500. */
export function wireguardMtu({ felix, hostMtu, family = 4 }: FamilyView): number {
  return felix.wireguardMTU || hostMtu - WIREGUARD_OVERHEAD[family];
}

/**
 * Returns the MTU of pods that are made now, in bytes: the least among the encapsulations that are on. Existing pods keep
 * theirs. If a node is named, its own setting says whether WireGuard is on, else the cluster's.
 */
export function podMtu(view: ClusterView, nodeName?: string): number {
  return Math.min(...familiesOf(view).flatMap((family) => mtusOf(family, nodeName)));
}

/** Returns IPv4's part, and IPv6's if there is one. */
export function familiesOf(view: ClusterView): FamilyView[] {
  return view.ipv6 ? [view, view.ipv6] : [view];
}

function mtusOf(view: FamilyView, nodeName: string | undefined): number[] {
  const node = view.nodes.find((node) => node.name === nodeName);
  const wireguardEnabled = node ? node.wireguardEnabled : view.felix.wireguardEnabled;
  return [
    view.hostMtu,
    ...(view.encapsulation === 'VXLAN' ? [vxlanMtu(view)] : []),
    ...(wireguardEnabled ? [wireguardMtu(view)] : []),
  ];
}
