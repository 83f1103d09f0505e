import { createHash } from 'node:crypto';
import { bitsOf, type Family, isAddressOf, numbersOf } from '../../../net/families.ts';
import { alone, type Claim } from './claims.ts';
import { IPV6_METRIC, MAIN_TABLE, PROTO_CALICO, PROTO_DEVICE, UPLINK, VXLAN_DEVICES } from './constants.ts';
import { vxlanMtu } from './mtu.ts';
import type { FamilyView, NodeState, NodeView, RouteState } from './types.ts';

type VxlanPart = Pick<NodeState, 'links' | 'addresses' | 'routes' | 'neighbours' | 'fdb'>;

/** The MAC of a node's VXLAN device: 0x66 and the first five bytes of SHA-1 over the node's name, so that all can compute it. */
export function tunnelMac(nodeName: string, family: Family = 4): string {
  const digest = createHash('sha1')
    .update(family === 4 ? nodeName : `${nodeName}-v6`)
    .digest('hex');
  return ['66', ...(digest.slice(0, 10).match(/../g) ?? [])].join(':');
}

/**
 * VXLAN's part of a node's state: the device with its one address, and for each node that has a tunnel address where its
 * MAC is (neighbour and FDB entry, permanent) and routes to what it claims. Returns nothing if the pool does not use VXLAN or
 * this node has no tunnel address yet.
 */
export function vxlanState(view: FamilyView, node: NodeView, claims: ReadonlyMap<string, Claim[]>): VxlanPart {
  const { family = 4 } = view;
  const own = node.vxlanTunnelAddress;
  if (view.encapsulation !== 'VXLAN' || !isAddressOf(family, own)) {
    return { links: [], addresses: [], routes: [], neighbours: [], fdb: [] };
  }
  const device = VXLAN_DEVICES[family];
  const mtu = vxlanMtu(view);
  const { vxlanVNI: vni, vxlanPort: port } = view.felix;
  const vxlan = { vni, port, local: node.address, parent: UPLINK };
  const peers = view.nodes.flatMap((peer) => {
    const address = peer.vxlanTunnelAddress;
    // A tunnel address that another node claimed first has its neighbour entry there.
    const isItsOwn = claims
      .get(peer.name)
      ?.some(({ cidr, kind }) => kind === 'tunnel' && cidr === alone(family, address ?? ''));
    const mac = tunnelMac(peer.name, family);
    return peer.name !== node.name && isItsOwn && address ? [{ node: peer, address, mac }] : [];
  });
  return {
    links: [{ name: device, type: 'vxlan', mtu, mac: tunnelMac(node.name, family), up: true, vxlan }],
    addresses: [{ device, address: own, prefixLength: bitsOf(family) }],
    routes: peers.flatMap((peer) =>
      (claims.get(peer.node.name) ?? []).flatMap((claim) => tunnelRoutes(claim, peer.address, mtu, family)),
    ),
    neighbours: peers.map(({ address, mac }) => ({ device, address, mac })),
    fdb: peers.map(({ node, mac }) => ({ device, mac, destination: node.address })),
  };
}

/** To a block or a borrowed address by way of the peer's tunnel address; to a tunnel address outside the peer's blocks directly. */
function tunnelRoutes(claim: Claim, via: string, mtu: number, family: Family): RouteState[] {
  if (claim.inBlock) return [];
  const route = {
    table: MAIN_TABLE,
    destination: claim.cidr,
    type: 'unicast',
    device: VXLAN_DEVICES[family],
    metric: family === 4 ? 0 : IPV6_METRIC,
    mtu,
  } as const;
  return claim.kind === 'tunnel'
    ? [{ ...route, scope: family === 4 ? 'link' : 'universe', protocol: PROTO_DEVICE, onlink: false }]
    : [{ ...route, via, scope: 'universe', protocol: PROTO_DEVICE, onlink: true }];
}

/** Returns routes to what other nodes claim if the pool has no encapsulation: plain, over the wire. */
export function plainRoutes(view: FamilyView, node: NodeView, claims: ReadonlyMap<string, Claim[]>): RouteState[] {
  if (view.encapsulation !== 'None') return [];
  return view.nodes
    .filter((peer) => peer.name !== node.name)
    .flatMap((peer) =>
      (claims.get(peer.name) ?? [])
        .filter((claim) => !claim.inBlock)
        .map((claim) => ({
          table: MAIN_TABLE,
          destination: claim.cidr,
          type: 'unicast' as const,
          via: peer.address,
          device: UPLINK,
          scope: 'universe' as const,
          protocol: PROTO_CALICO,
          metric: view.family === 6 ? IPV6_METRIC : 0,
          onlink: true,
        })),
    );
}

/** Packets to an address of the node's own blocks that no pod has end here, and do not leave by the default route. */
export function localBlockRoutes(claims: readonly Claim[], family: Family = 4): RouteState[] {
  return claims
    .filter((claim) => claim.kind === 'block' && numbersOf(claim.cidr).prefixLength < bitsOf(family))
    .map((claim) => ({
      table: MAIN_TABLE,
      destination: claim.cidr,
      type: 'blackhole',
      scope: 'universe',
      protocol: PROTO_CALICO,
      metric: family === 4 ? 0 : IPV6_METRIC,
      onlink: false,
    }));
}
