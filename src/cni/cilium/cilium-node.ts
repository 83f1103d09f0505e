import type { KubeObject } from '../../kube/objects.ts';
import type { KeyedNode } from './keys/keyring.ts';

/** The API group and version of Cilium's own kinds. */
export const CILIUM_API = 'cilium.io/v2';

/** The annotation of a CiliumNode that publishes its WireGuard public key. */
export const WIREGUARD_KEY_ANNOTATION = 'network.cilium.io/wg-pub-key';

/** The key id that a CiliumNode publishes with WireGuard; with IPsec it is that of the Secret. */
export const WIREGUARD_KEY_ID = 255;

/** The object that every agent publishes for its node. */
export interface CiliumNodeObject extends KubeObject {
  spec?: {
    addresses?: { ip?: string; type?: string }[];
    bootid?: string;
    encryption?: { key?: number };
    health?: { ipv4?: string; ipv6?: string };
    ingress?: { ipv4?: string; ipv6?: string };
    ipam?: { podCIDRs?: string[] };
  };
}

/** A CiliumNode, read: what it does not say is undefined or empty. */
export interface CiliumNode {
  readonly name: string;
  /** The address in the nodes' own network. */
  readonly address: string | undefined;
  /** The address of cilium_host. */
  readonly internalAddress: string | undefined;
  readonly podCidrs: readonly string[];
  readonly healthAddress: string | undefined;
  readonly bootId: string | undefined;
  /** 255 with WireGuard, the Secret's id with IPsec, 0 if nothing is encrypted. */
  readonly keyId: number;
  readonly publicKey: string | undefined;
}

/** Reads a CiliumNode as the API sends it. */
export function readCiliumNode({ metadata, spec }: CiliumNodeObject): CiliumNode {
  const addressOf = (type: string) =>
    spec?.addresses?.find((address) => address.type === type && isIpv4(address.ip))?.ip;
  return {
    name: metadata?.name ?? '',
    address: addressOf('InternalIP'),
    internalAddress: addressOf('CiliumInternalIP'),
    podCidrs: spec?.ipam?.podCIDRs ?? [],
    healthAddress: spec?.health?.ipv4,
    bootId: spec?.bootid || undefined,
    keyId: spec?.encryption?.key ?? 0,
    publicKey: metadata?.annotations?.[WIREGUARD_KEY_ANNOTATION],
  };
}

function isIpv4(address: string | undefined): boolean {
  return address?.includes('.') ?? false;
}

/** Returns the input from which the keys of a node's IPsec tunnels are derived. */
export function keyedNode({ name, address, internalAddress, bootId }: CiliumNode): KeyedNode {
  return { name, addresses: [address, internalAddress].flatMap((ip) => ip ?? []), bootId };
}
