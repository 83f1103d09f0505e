/** The node's interface on the wire, and so the parent of its VXLAN device. */
export const UPLINK = 'eth0';

/** The VXLAN devices of IPv4 and IPv6. */
export const VXLAN_DEVICES = { 4: 'vxlan.calico', 6: 'vxlan-v6.calico' } as const;

/** The prefix of the node's end of a pod's veth pair. */
export const WORKLOAD_PREFIX = 'cali';

export const MAIN_TABLE = 254;

/** The lowest free index in Calico's routeTableRanges (1-250) is WireGuard's, for IPv6 too: the second index that Felix takes nobody reads. */
export const WIREGUARD_TABLE = 1;

/** The bit that Calico 3.30 and later give to WireGuard out of the mark mask 0xffff0000. */
export const WIREGUARD_MARK = 0x200000;

/** The kernel's own for IPv6 routes that name none. */
export const IPV6_METRIC = 1024;

/** RTPROT_BOOT, Felix' default for routes to devices. Plain `ip route` does not print it. */
export const PROTO_DEVICE = 3;

/** Felix' own number, for the routes in main that no device identifies as Calico's. */
export const PROTO_CALICO = 80;
