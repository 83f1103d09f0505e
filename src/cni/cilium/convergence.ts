import type { AgentEncryption } from './agent-status.ts';
import { type CiliumNode, WIREGUARD_KEY_ID } from './cilium-node.ts';
import type { Encryption } from './dataplane/types.ts';

export interface CiliumStatusNode extends CiliumNode {
  /** The answer of its agent; undefined if there is none. */
  readonly agent?: AgentEncryption;
  /** Why the agent does not answer. */
  readonly problem?: string;
}

/** How every node should encrypt, and with IPsec with which key. */
export interface Wanted {
  readonly encryption: Encryption;
  readonly keyId?: number | undefined;
}

const MODES = { none: 'Disabled', wireguard: 'Wireguard', ipsec: 'IPsec' } as const;

/**
 * Returns what is not yet as asked, a line each, in the order in which it comes about: agents that have started again, their mode, what
 * the nodes publish, peers or keys, handshakes. Nothing before all of it may be called encrypted: while agents start again, traffic
 * one way is lost and the other way is plaintext.
 */
export function missing(wanted: Wanted, nodes: readonly CiliumStatusNode[], rollout: string | undefined): string[] {
  if (rollout !== undefined) return [rollout];
  const lines = nodes.flatMap((node) => missingOn(wanted, node, nodes));
  return nodes.length === 0 ? ['a CiliumNode'] : lines;
}

function missingOn(wanted: Wanted, node: CiliumStatusNode, nodes: readonly CiliumStatusNode[]): string[] {
  const { name, agent } = node;
  if (node.problem !== undefined) return [`the agent on ${name} to answer (${node.problem})`];
  if (agent && agent.mode !== MODES[wanted.encryption])
    return [`the agent on ${name} to be ${MODES[wanted.encryption]}`];
  switch (wanted.encryption) {
    case 'none':
      if (node.keyId !== 0) return [`${name} to publish that it does not encrypt`];
      return node.publicKey === undefined ? [] : [`${name} to withdraw its key`];
    case 'wireguard':
      return missingWireguard(node, nodes);
    case 'ipsec':
      return missingIpsec(wanted.keyId, node, nodes);
  }
}

function missingWireguard(node: CiliumStatusNode, nodes: readonly CiliumStatusNode[]): string[] {
  const { name, agent, publicKey, keyId } = node;
  if (publicKey === undefined) return [`${name} to publish its key`];
  if (keyId !== WIREGUARD_KEY_ID) return [`${name} to publish that it encrypts`];
  const device = agent?.wireguard;
  if (!device) return [`the device of ${name}`];
  if (device.publicKey !== publicKey) return [`${name} to publish the key of its device`];
  if (device.peerCount !== nodes.length - 1) {
    return [`${name} to know all its peers (${device.peerCount} of ${nodes.length - 1})`];
  }
  return nodes
    .filter((other) => other !== node && other.publicKey !== undefined)
    .flatMap((other) => {
      const peer = device.peers.find((one) => one.publicKey === other.publicKey);
      return peer?.latestHandshake ? [] : [`${name} and ${other.name} to shake hands`];
    });
}

function missingIpsec(
  wantedId: number | undefined,
  { name, keyId, agent }: CiliumStatusNode,
  nodes: readonly CiliumStatusNode[],
): string[] {
  if (keyId === 0 || keyId === WIREGUARD_KEY_ID) return [`${name} to publish the id of its key`];
  if (wantedId !== undefined && keyId !== wantedId) return [`${name} to load key ${wantedId} (it has ${keyId})`];
  const keys = agent?.ipsec?.keysInUse ?? 0;
  const least = expectedKeys(nodes.length);
  return keys < least ? [`${name} to have ${least} states (it has ${keys})`] : [];
}

/** Two tunnels each way with every other node: between the nodes' addresses, and between those of cilium_host. */
export function expectedKeys(nodes: number): number {
  return (nodes - 1) * 4;
}
