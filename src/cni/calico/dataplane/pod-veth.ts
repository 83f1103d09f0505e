import { HOST_SIDE_MAC } from './workloads.ts';

/** The gateway that pods know. No interface has it: the node answers ARP for it on every cali interface. */
const POD_GATEWAY = '169.254.1.1';

/** A pod's veth pair. */
export interface PodVeth {
  /** `hostInterfaceName(namespace, pod)`. */
  hostInterface: string;
  /** `podMtu(view, node)`, in bytes. */
  mtu: number;
  /** A process in the pod's network namespace, as the process that runs the lines numbers it. */
  pid: number;
}

/** Lines for the node's namespace: a veth pair whose other end is eth0 in the pod. Many pods fit into one batch. */
export function podVethLines({ hostInterface, mtu, pid }: PodVeth): string[] {
  return [
    `link add name ${hostInterface} mtu ${mtu} address ${HOST_SIDE_MAC} type veth peer name eth0 mtu ${mtu} netns ${pid}`,
    `link set dev ${hostInterface} up`,
  ];
}

/** The pods' gateway for IPv6: the address that every cali interface derives from `HOST_SIDE_MAC`. */
const POD_GATEWAY_6 = 'fe80::ecee:eeff:feee:eeee';

/** Returns lines for the pod's namespace, after its veth pair; with an IPv6 address if it has one. */
export function podInterfaceLines(address: string, address6?: string): string[] {
  return [
    'link set dev lo up',
    `address add ${address}/32 dev eth0`,
    'link set dev eth0 up',
    `route add ${POD_GATEWAY} dev eth0 scope link`,
    `route add default via ${POD_GATEWAY} dev eth0`,
    ...(address6 === undefined
      ? []
      : [
          `address add ${address6}/128 dev eth0 nodad`,
          `route add ${POD_GATEWAY_6} dev eth0`,
          `route add default via ${POD_GATEWAY_6} dev eth0`,
        ]),
  ];
}
