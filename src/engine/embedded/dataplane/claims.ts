import { isIPv4 } from 'node:net';
import { contains, isCidr } from './ipv4.ts';
import type { ClusterView, NodeView } from './types.ts';

/** A network that traffic reaches through one node. */
export interface Claim {
  cidr: string;
  /**
   * `block`: an IPAM block with affinity to the node. `borrowed`: a pod's address from another node's block. `tunnel`: the
   * address of a tunnel device, either inside one of the node's blocks (`inBlock`) or on its own.
   */
  kind: 'block' | 'borrowed' | 'tunnel';
  inBlock: boolean;
}

/**
 * What each node claims, by node name, as `nodeName` sees it: blocks first, then the tunnel addresses (VXLAN,
 * WireGuard), then borrowed addresses, the order in which Calico's users see allowed IPs. A network that two nodes claim
 * for a moment goes to the node itself before others, and else to the first in the view: WireGuard could not give one
 * network to two peers. What is not an address (annotations can be edited by anyone) is no claim.
 */
export function claimsByNode(view: ClusterView, nodeName: string): Map<string, Claim[]> {
  const own = view.nodes.filter((node) => node.name === nodeName);
  const others = view.nodes.filter((node) => node.name !== nodeName);
  const taken = new Set<string>();
  const ownPods = own.flatMap((node) => node.pods.map((pod) => `${pod.address}/32`));
  return new Map(
    [...own, ...others].map((node) => {
      const claims: Claim[] = [];
      for (const claim of claimsOf(node)) {
        if (taken.has(claim.cidr)) continue;
        taken.add(claim.cidr);
        claims.push(claim);
      }
      for (const cidr of node.name === nodeName ? ownPods : []) taken.add(cidr);
      return [node.name, claims];
    }),
  );
}

function claimsOf(node: NodeView): Claim[] {
  const blocks = node.blocks.filter(isCidr);
  const tunnels = [node.vxlanTunnelAddress, node.wireguardAddress].filter((address) => isAddress(address));
  const inBlock = (address: string) => blocks.some((block) => contains(block, address));
  const borrowed = node.pods.map((pod) => pod.address).filter((address) => isAddress(address) && !inBlock(address));
  return [
    // A block of one address that is the tunnel's own counts as the tunnel's address.
    ...blocks
      .filter((block) => !tunnels.some((address) => block === `${address}/32`))
      .map((cidr): Claim => ({ cidr, kind: 'block', inBlock: false })),
    ...tunnels.map((address): Claim => {
      const cidr = `${address}/32`;
      return { cidr, kind: 'tunnel', inBlock: inBlock(address) && !blocks.includes(cidr) };
    }),
    ...borrowed.map((address): Claim => ({ cidr: `${address}/32`, kind: 'borrowed', inBlock: false })),
  ];
}

/** Whether a text is an IPv4 address; addresses of tunnels come from annotations. */
export function isAddress(text: string | undefined): text is string {
  return text !== undefined && isIPv4(text);
}
