import { bitsOf, type Family, holds, isAddressOf, isNetworkOf } from '../../../net/families.ts';
import type { FamilyView, NodeView } from './types.ts';

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
 * Returns the networks that each node claims, by node name, as `nodeName` sees them: blocks first, then the tunnel addresses (VXLAN,
 * WireGuard), then borrowed addresses, the order in which Calico's users see allowed IPs. A network that two nodes claim
 * for a moment goes to the node itself before others, and else to the first in the view: WireGuard could not give one
 * network to two peers. What is not an address (annotations can be edited by anyone) is no claim.
 */
export function claimsByNode(view: FamilyView, nodeName: string): Map<string, Claim[]> {
  const own = view.nodes.filter((node) => node.name === nodeName);
  const others = view.nodes.filter((node) => node.name !== nodeName);
  const family = view.family ?? 4;
  const taken = new Set<string>();
  const ownPods = own.flatMap((node) => node.pods.map((pod) => alone(family, pod.address)));
  return new Map(
    [...own, ...others].map((node) => {
      const claims: Claim[] = [];
      for (const claim of claimsOf(node, family)) {
        if (taken.has(claim.cidr)) continue;
        taken.add(claim.cidr);
        claims.push(claim);
      }
      for (const cidr of node.name === nodeName ? ownPods : []) taken.add(cidr);
      return [node.name, claims];
    }),
  );
}

function claimsOf(node: NodeView, family: Family): Claim[] {
  const blocks = node.blocks.filter((block) => isNetworkOf(family, block));
  const tunnels = [node.vxlanTunnelAddress, node.wireguardAddress].filter((address) => isAddressOf(family, address));
  const inBlock = (address: string) => blocks.some((block) => holds(block, address));
  const borrowed = node.pods
    .map((pod) => pod.address)
    .filter((address) => isAddressOf(family, address) && !inBlock(address));
  return [
    // A block of one address that is the tunnel's own counts as the tunnel's address.
    ...blocks
      .filter((block) => !tunnels.some((address) => block === alone(family, address)))
      .map((cidr): Claim => ({ cidr, kind: 'block', inBlock: false })),
    ...tunnels.map((address): Claim => {
      const cidr = alone(family, address);
      return { cidr, kind: 'tunnel', inBlock: inBlock(address) && !blocks.includes(cidr) };
    }),
    ...borrowed.map((address): Claim => ({ cidr: alone(family, address), kind: 'borrowed', inBlock: false })),
  ];
}

/** One address as a network. */
export function alone(family: Family, address: string): string {
  return `${address}/${bitsOf(family)}`;
}
