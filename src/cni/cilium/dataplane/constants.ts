/** Cilium's devices. */
export const HOST_DEVICE = 'cilium_host';
export const NET_DEVICE = 'cilium_net';
export const VXLAN_DEVICE = 'cilium_vxlan';
export const WIREGUARD_DEVICE = 'cilium_wg0';

/** Not the 4789 of IANA and Calico: the port that Linux had first. */
export const VXLAN_PORT = 8472;

/** Fixed in Cilium's source: pkg/wireguard/types. */
export const WIREGUARD_PORT = 51871;

/** The mark of WireGuard's own packets. */
export const WIREGUARD_MARK = 0xe00;

/** Identities that are the same in every cluster (pkg/identity/numericidentity.go). */
export const REMOTE_NODE_IDENTITY = 6;

/**
 * Tables and priorities that Cilium does not have: they do what its eBPF programs do. Cilium 1.12 and earlier had table 201, for the
 * same purpose.
 */
export const LOCAL_PODS_TABLE = 300;
export const DIVERSION_TABLE = 201;
export const PRIORITY = { diversion: 1, localPods: 28, fromPod: 29, fromNode: 30 } as const;
