import type { IpsecKey } from '../keys/ipsec-secret.ts';

/** The input of the dataplane: plain data. It starts no process and reads no clock. */
export interface CiliumView {
  readonly nodes: readonly CiliumNodeView[];
  /** MTU of the nodes' underlay interface, in bytes. */
  readonly hostMtu: number;
}

/** How an agent encrypts: it reads this when it starts, and nodes may differ while their agents start again. */
export type Encryption = 'none' | 'wireguard' | 'ipsec';

export interface CiliumNodeView {
  readonly name: string;
  /** In the nodes' own network. */
  readonly address: string;
  readonly podCidr: string;
  /** The address of cilium_host. */
  readonly internalAddress: string;
  readonly bootId: string;
  /** The encryption of its agent. */
  readonly encryption: Encryption;
  /** As it published it. */
  readonly publicKey?: string | undefined;
  /** Key ids as the agent has loaded them, the newest last; two while keys change. */
  readonly keys: readonly IpsecKey[];
  /** The key id that the CiliumNode publishes; others send with the lower of theirs and this one. */
  readonly publishedKeyId: number;
  /** The pods on the node that have an address of their own. */
  readonly pods: readonly CiliumPod[];
}

export interface CiliumPod {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  /** The node's end of its veth pair. */
  readonly hostInterface: string;
  /** The network identifier that VXLAN carries in the pod's packets. */
  readonly identity: number;
}

/**
 * One thing that a node should have: how it comes about and how it goes, as lines for `ip -batch -`. Two parts with the same key are
 * the same thing, perhaps with other properties.
 */
export interface Part {
  readonly key: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** The `add` lines also change a part that is there, without a moment in which it is missing. */
  readonly replaces?: boolean;
}

export interface WireguardPart {
  readonly peers: readonly WireguardPeer[];
  readonly mtu: number;
}

export interface WireguardPeer {
  readonly publicKey: string;
  readonly endpoint: string;
  readonly allowedIp: string;
}

/** The state that a node should have, in the order in which it is made. */
export interface CiliumNodeState {
  readonly parts: readonly Part[];
  /** The device cilium_wg0; undefined if there should be none. */
  readonly wireguard?: WireguardPart | undefined;
  /** Rules and routes that send packets into the device or the states: made last, and removed first. */
  readonly diversions: readonly Part[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** A ruleset for `nft -f -`, replaced as a whole in one transaction; empty if there is none. */
  readonly marks: string;
}
