import type { CiliumNodeView, CiliumView } from './types.ts';

/** The meaning of a mark's bits in Cilium (pkg/datapath/linux/linux_defaults): direction, key id and node id. */
export const ENCRYPT_MARK = 0xe00;
export const DECRYPT_MARK = 0xd00;
const KEY_ID_SHIFT = 12;
const NODE_ID_SHIFT = 16;

/** The mark that makes the kernel encrypt for a node with a key: `0x{node id}{key id}e00`. */
export function encryptMark(nodeId: number, keyId: number): string {
  return `0x${(nodeId * 2 ** NODE_ID_SHIFT + (keyId << KEY_ID_SHIFT) + ENCRYPT_MARK).toString(16)}`;
}

/** The mark that makes the kernel decrypt what comes from a node: `0x{node id}0d00`. */
export function decryptMark(nodeId: number): string {
  return `0x${(nodeId * 2 ** NODE_ID_SHIFT + DECRYPT_MARK).toString(16)}`;
}

/** The number that a node has for another one. Each node has its own in Cilium; here they follow the order of the names. */
export function nodeId(view: CiliumView, name: string): number {
  const names = view.nodes.map((node) => node.name).sort();
  return names.indexOf(name) + 1;
}

/**
 * The key id that a node sends with to another: the lower of its own and the published one, so that the receiver has the states. Of 15
 * and 1 it is 15: ids begin again at 1.
 */
export function sendingKeyId(own: number, published: number): number {
  if (own === 0 || published === 0) return 0;
  if (Math.abs(own - published) > 1) return Math.max(own, published);
  return Math.min(own, published);
}

/** The newest key that an agent has loaded; 0 if it has none. */
export function newestKeyId({ keys }: CiliumNodeView): number {
  return keys.at(-1)?.id ?? 0;
}
