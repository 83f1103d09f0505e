/** Lines for the node's namespace: the veth pair of a pod, of which one end is eth0 in the pod. */
export function podVethLines(pod: { hostInterface: string; mtu: number; pid: number }): string[] {
  const { hostInterface, mtu, pid } = pod;
  return [
    `link add name ${hostInterface} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pid}`,
    `link set dev ${hostInterface} up`,
  ];
}

/**
 * Lines for the pod's namespace: its address alone, and the node's cilium_host as the gateway. `mtu` is the smallest that any encryption
 * needs: nobody rewrites the routes of pods that are running when encryption changes.
 */
export function podInterfaceLines(address: string, gateway: string, mtu: number): string[] {
  return [
    'link set dev lo up',
    `address add ${address}/32 dev eth0`,
    'link set dev eth0 up',
    `route add ${gateway} dev eth0 scope link`,
    `route add default via ${gateway} dev eth0 mtu ${mtu}`,
  ];
}
