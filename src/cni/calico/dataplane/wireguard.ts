import { bitsOf, type Family, familyOf, isAddressOf } from '../../../net/families.ts';
import type { Claim } from './claims.ts';
import { IPV6_METRIC, PROTO_DEVICE, WIREGUARD_MARK, WIREGUARD_TABLE } from './constants.ts';
import { wireguardMtu } from './mtu.ts';
import type { FamilyView, NodeState, NodeView, RouteState } from './types.ts';

type WireguardPart = Pick<NodeState, 'links' | 'addresses' | 'routes' | 'rules' | 'wireguard'>;

/**
 * WireGuard's part of a node's state: the device, a peer for each node that published a key, table 1 (into the device for
 * what peers claim; `throw`, so back to main, for what this node claims and for nodes without a usable key), and the rule
 * that sends everything there but what WireGuard encrypted itself. Nothing if WireGuard is off for this node.
 */
export function wireguardState(view: FamilyView, node: NodeView, claims: ReadonlyMap<string, Claim[]>): WireguardPart {
  if (!node.wireguardEnabled) return { links: [], addresses: [], routes: [], rules: [], wireguard: [] };
  const { felix, family = 4 } = view;
  const name = felix.wireguardInterfaceName;
  const peers = usablePeers(view, node);
  const own: RouteState[] = (claims.get(node.name) ?? [])
    .filter((claim) => !claim.inBlock)
    .map((claim) => thrown(claim.cidr));
  const others: RouteState[] = view.nodes
    .filter((other) => other.name !== node.name)
    .flatMap((other) =>
      (claims.get(other.name) ?? []).map(({ cidr }) => (peers.has(other.name) ? tunnelled(cidr, name) : thrown(cidr))),
    );
  return {
    links: [{ name, type: 'wireguard', mtu: wireguardMtu(view), up: true }],
    addresses: isAddressOf(family, node.wireguardAddress)
      ? [{ device: name, address: node.wireguardAddress, prefixLength: bitsOf(family) }]
      : [],
    routes: [...own, ...others],
    rules: [
      {
        ...(family === 6 && { family }),
        priority: felix.wireguardRoutingRulePriority,
        not: true,
        mark: WIREGUARD_MARK,
        mask: WIREGUARD_MARK,
        table: WIREGUARD_TABLE,
      },
    ],
    wireguard: [
      {
        name,
        listenPort: felix.wireguardListeningPort,
        mark: WIREGUARD_MARK,
        peers: [...peers].map(([peer, { publicKey, address }]) => ({
          publicKey,
          // The port is this node's own setting: all nodes must share it.
          endpoint: endpoint(family, address, felix.wireguardListeningPort),
          allowedIPs: (claims.get(peer) ?? []).map((claim) => claim.cidr),
          keepalive: felix.wireguardKeepAlive,
        })),
      },
    ],
  };
}

/** Returns the other nodes whose key nobody else has; a key that several nodes claim is nobody's. */
function usablePeers(view: FamilyView, node: NodeView): Map<string, { publicKey: string; address: string }> {
  const isShared = (key: string) => view.nodes.filter((node) => node.wireguardPublicKey === key).length > 1;
  return new Map(
    view.nodes
      .filter((peer) => peer.name !== node.name)
      .flatMap(({ name, address, wireguardPublicKey: publicKey }) =>
        isPublicKey(publicKey) && !isShared(publicKey) ? [[name, { publicKey, address }]] : [],
      ),
  );
}

function endpoint(family: Family, address: string, port: number): string {
  return family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}

/** Returns whether a text is a WireGuard public key: 32 bytes in base64, not all zero, which Calico takes for none. */
function isPublicKey(text: string | undefined): text is string {
  if (text === undefined || !/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) return false;
  return Buffer.from(text, 'base64').some((byte) => byte !== 0);
}

function tunnelled(destination: string, device: string): RouteState {
  return { ...inTable(destination), type: 'unicast', device, scope: familyOf(destination) === 4 ? 'link' : 'universe' };
}

function thrown(destination: string): RouteState {
  return { ...inTable(destination), type: 'throw', scope: 'universe' };
}

function inTable(destination: string) {
  const metric = familyOf(destination) === 4 ? 0 : IPV6_METRIC;
  return { table: WIREGUARD_TABLE, destination, protocol: PROTO_DEVICE, metric, onlink: false };
}
