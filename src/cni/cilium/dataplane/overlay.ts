import {
  HOST_DEVICE,
  LOCAL_PODS_TABLE,
  NET_DEVICE,
  PRIORITY,
  REMOTE_NODE_IDENTITY,
  VXLAN_DEVICE,
  VXLAN_PORT,
} from './constants.ts';
import { routeMtu } from './mtu.ts';
import { vxlanMac } from './names.ts';
import type { CiliumNodeView, CiliumView, Part } from './types.ts';

/** The devices, addresses and routes that Cilium's agent itself makes, the same with every encryption but for the MTU. */
export function agentParts(view: CiliumView, node: CiliumNodeView): Part[] {
  const own = node.internalAddress;
  const mtu = routeMtu(view.hostMtu, node.encryption);
  const route = (cidr: string, options = '') =>
    replacing(
      `route ${cidr}`,
      `route replace ${cidr} via ${own} dev ${HOST_DEVICE} src ${own} proto kernel${options}`,
      [`route del ${cidr} dev ${HOST_DEVICE}`],
    );
  return [
    {
      key: HOST_DEVICE,
      add: [
        `link add name ${HOST_DEVICE} mtu ${view.hostMtu} type veth peer name ${NET_DEVICE} mtu ${view.hostMtu}`,
        `link set dev ${HOST_DEVICE} arp off up`,
        `link set dev ${NET_DEVICE} arp off up`,
        `address add ${own}/32 dev ${HOST_DEVICE}`,
      ],
      remove: [`link del dev ${HOST_DEVICE}`],
    },
    {
      key: VXLAN_DEVICE,
      add: [
        `link add name ${VXLAN_DEVICE} address ${vxlanMac(node.name)} mtu ${view.hostMtu} type vxlan external dstport ${VXLAN_PORT} nolearning`,
        `link set dev ${VXLAN_DEVICE} up`,
      ],
      remove: [`link del dev ${VXLAN_DEVICE}`],
    },
    replacing(`route ${own}`, `route replace ${own}/32 dev ${HOST_DEVICE} scope link proto kernel`, []),
    route(node.podCidr),
    ...others(view, node).map(({ podCidr }) => route(podCidr, ` mtu ${mtu}`)),
  ];
}

/**
 * The parts that stand in for eBPF on the way of the pods' packets: each identity has a table with routes that encapsulate and put
 * the identity into VXLAN, and rules choose the table by where a packet comes from.
 */
export function overlayParts(view: CiliumView, node: CiliumNodeView): Part[] {
  const identities = new Set([REMOTE_NODE_IDENTITY, ...node.pods.map(({ identity }) => identity)]);
  return [
    ...others(view, node).map((peer) =>
      replacing(
        `neighbour ${peer.internalAddress}`,
        `neighbour replace ${peer.internalAddress} lladdr ${vxlanMac(peer.name)} dev ${VXLAN_DEVICE} nud permanent`,
        [`neighbour del ${peer.internalAddress} dev ${VXLAN_DEVICE}`],
      ),
    ),
    ...[...identities].flatMap((identity) => encapsulation(view, node, identity)),
    rule(PRIORITY.localPods, '', LOCAL_PODS_TABLE),
    rule(PRIORITY.fromNode, 'iif lo', REMOTE_NODE_IDENTITY),
    ...node.pods.flatMap(podParts),
  ];
}

function encapsulation(view: CiliumView, node: CiliumNodeView, identity: number): Part[] {
  const mtu = routeMtu(view.hostMtu, node.encryption);
  return others(view, node).map((peer) =>
    replacing(
      `encap ${identity} ${peer.podCidr}`,
      `route replace ${peer.podCidr} table ${identity} encap ip id ${identity} src ${node.address} dst ${peer.address} ttl 64 via ${peer.internalAddress} dev ${VXLAN_DEVICE} onlink src ${node.internalAddress} mtu ${mtu}`,
      [`route del ${peer.podCidr} table ${identity}`],
    ),
  );
}

/** The route to a pod, and the rule by which its own packets find the table of its identity. Both go with its interface. */
function podParts({ address, hostInterface, identity }: CiliumNodeView['pods'][number]): Part[] {
  return [
    replacing(
      `pod ${address}`,
      `route replace ${address}/32 table ${LOCAL_PODS_TABLE} dev ${hostInterface} scope link proto kernel`,
      [],
    ),
    rule(PRIORITY.fromPod, `iif ${hostInterface}`, identity),
  ];
}

/** A rule by its priority, its selector and its table. */
export function rule(priority: number, selector: string, table: number): Part {
  const words = ['priority', priority, ...(selector === '' ? [] : [selector]), 'lookup', table].join(' ');
  return { key: `rule ${words}`, add: [`rule add ${words}`], remove: [`rule del ${words}`] };
}

function replacing(key: string, line: string, remove: readonly string[]): Part {
  return { key, add: [line], remove, replaces: true };
}

export function others(view: CiliumView, node: CiliumNodeView): CiliumNodeView[] {
  return view.nodes.filter(({ name }) => name !== node.name);
}
