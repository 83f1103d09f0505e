import type { CalicoNode, WireguardDevice } from '../../cni/calico/keys.ts';
import { networkKey } from '../../net/cidr.ts';

export interface EncryptionNode extends CalicoNode {
  /** The networks of its pods that the other nodes route to it. */
  blocks: string[];
  device?: WireguardDevice;
  /** Why the node could not be asked for its device; what it publishes is known all the same. */
  unprobed?: string;
}

/** Returns what is not yet as asked on one node, with its causes alone: what waits for another node is said of that node. */
export function missing(enabled: boolean, node: EncryptionNode, nodes: readonly EncryptionNode[]): string[] {
  return enabled ? missingOn(node, nodes) : leftOn(node);
}

/** Returns whether a node has published all that the others need to make it their peer. */
export function isPublished({ publicKey, wireguardAddress }: EncryptionNode): boolean {
  return publicKey !== undefined && wireguardAddress !== undefined;
}

/** Returns whether a node lacks nothing but handshakes with nodes that are ready too. */
export function canShakeHands(node: EncryptionNode, nodes: readonly EncryptionNode[]): boolean {
  return node.unprobed !== undefined || missingOn(node, nodes).every((line) => line.endsWith(HANDSHAKE));
}

const HANDSHAKE = 'to shake hands';

/** The peer that a node's device has for another node. */
export function peerOf({ device }: EncryptionNode, other: EncryptionNode) {
  return device?.peers.find(({ publicKey }) => publicKey === other.publicKey);
}

/**
 * Follows the seven steps of readiness: key, address, device that is up with its address, all peers and no others, rule, a route for
 * everything that a peer may send from and for each of its blocks, handshakes.
 */
function missingOn(node: EncryptionNode, nodes: readonly EncryptionNode[]): string[] {
  const { name, device, unprobed } = node;
  if (!node.publicKey) return [`${name} to publish its key`];
  if (!node.wireguardAddress) return [`${name} to get an address for its tunnel`];
  if (unprobed !== undefined) return []; // its key and address are all that can be seen of it
  if (!device) return [`${name} to make its WireGuard device`];
  if (!device.up) return [`the WireGuard device on ${name} to be up`];
  const own = networkKey(node.wireguardAddress);
  if (!device.addresses.some((address) => networkKey(address) === own)) return [`the tunnel address on ${name}`];
  const others = nodes.filter((other) => other !== node);
  // A node that has published nothing yet is named itself.
  const ready = others.filter(isPublished);
  const unknown = ready.filter((other) => !peerOf(node, other));
  if (unknown.length > 0) return [`${name} to know its peer ${unknown[0]?.name}`];
  if (device.peers.length > others.length) return [`${name} to forget a peer that is no node`];
  if (device.rule === undefined) return [`the ip rule on ${name}`];
  const routed = new Set(device.routes.map(networkKey));
  const wanted = [...device.peers.flatMap(({ allowedIPs }) => allowedIPs), ...ready.flatMap(({ blocks }) => blocks)];
  const lost = wanted.find((network) => !routed.has(networkKey(network)));
  if (lost !== undefined) return [`the route to ${lost} on ${name}`];
  return ready.flatMap((other) =>
    peerOf(node, other)?.latestHandshake ? [] : [`${name} and ${other.name} ${HANDSHAKE}`],
  );
}

function leftOn({ name, device, publicKey, wireguardAddress }: EncryptionNode): string[] {
  if (device) return [`${name} to remove its WireGuard device`];
  if (publicKey) return [`${name} to withdraw its key`];
  return wireguardAddress ? [`${name} to release its tunnel address`] : [];
}
