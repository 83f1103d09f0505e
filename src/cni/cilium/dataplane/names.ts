import { createHash } from 'node:crypto';

/** The name of the node's end of a pod's veth pair: `lxc` and 12 hex digits. Cilium hashes the endpoint's id; here it is the pod's name. */
export function hostInterfaceName(namespace: string, pod: string): string {
  return `lxc${digest(`${namespace}/${pod}`).slice(0, 12)}`;
}

/** The MAC of a node's cilium_vxlan, locally administered, so that the other nodes can compute it. */
export function vxlanMac(node: string): string {
  return ['2e', ...(digest(node).slice(0, 10).match(/../g) ?? [])].join(':');
}

/** The first identity of a pod; lower ones are reserved. */
const FIRST_IDENTITY = 256;
const IDENTITIES = 65_536 - FIRST_IDENTITY;

/** The identity of a set of labels: a number that depends on them alone. Cilium's operator hands numbers out instead. */
export function identityOf(namespace: string, labels: Readonly<Record<string, string>>): number {
  const all = Object.entries(labels).map(([key, value]) => `k8s:${key}=${value}`);
  const text = [`k8s:io.kubernetes.pod.namespace=${namespace}`, ...all].sort().join(';');
  return FIRST_IDENTITY + (Number.parseInt(digest(text).slice(0, 8), 16) % IDENTITIES);
}

/** The offset of one of a node's own addresses in its podCIDR: it depends on the names alone, and is never among the first ones. */
export function ownOffset(node: string, purpose: 'router' | 'health', size: number): number {
  const half = Math.floor(size / 2);
  const quarter = Math.floor(size / 4);
  // Two ranges that cannot meet, behind the addresses that pods get first.
  const from = purpose === 'router' ? half : half + quarter;
  return from + (Number.parseInt(digest(`${node} ${purpose}`).slice(0, 6), 16) % Math.max(1, quarter - 1));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
