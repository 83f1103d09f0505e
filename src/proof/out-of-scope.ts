import type { LedgerLine } from './ledger-lines.ts';
import { NOT_CHOSEN } from './pod-packets.ts';
import type { Record } from './record.ts';

type Scope = 'not-chosen' | 'link' | 'received' | 'node-to-node' | 'pod-to-node' | 'pod-to-outside' | 'other';

/** Packets that no claim is about, by what they are. `nodes`: which nodes it is about, of `not-chosen` alone. */
export interface OutOfScope {
  what: Scope;
  packets: number;
  note: string;
  nodes?: string[];
}

const SCOPES: { readonly [what: string]: Scope } = {
  [NOT_CHOSEN]: 'not-chosen',
  ARP: 'link',
  'neighbour discovery': 'link',
  'the link itself': 'link',
  'to everybody on the link': 'link',
  'what arrived': 'received',
  'node to node': 'node-to-node',
  'pod to node': 'pod-to-node',
  'node to pod': 'pod-to-node',
  'pod to the outside': 'pod-to-outside',
  'the outside to a pod': 'pod-to-outside',
};

const NOTES: { readonly [scope in Exclude<Scope, 'not-chosen'>]: string } = {
  link: 'ARP, neighbour discovery and other link-local traffic, which no CNI encrypts',
  received: 'packets that arrived; the sending node has its own tap',
  'node-to-node':
    'in plaintext, between nodes themselves and pods with hostNetwork: API server, kubelet and the like, usually with TLS of their own',
  'pod-to-node': "in plaintext, between a pod and a node's own address",
  'pod-to-outside': 'in plaintext, between a pod and addresses outside the cluster',
  other: 'in plaintext, between nodes and the outside',
};

/** Sums up the lines of the ledger that are by design, and names the nodes that were not chosen. */
export function outOfScope({ outside = [] }: Record, ledger: readonly LedgerLine[]): OutOfScope[] {
  const packets = new Map<Scope, number>(outside.length > 0 ? [['not-chosen', 0]] : []);
  for (const line of ledger) {
    if (line.class !== 'by design' && line.class !== 'received') continue;
    const scope = SCOPES[line.what] ?? 'other';
    packets.set(scope, (packets.get(scope) ?? 0) + line.packets);
  }
  const nodes = outside.map(({ name }) => name);
  return [...packets].map(([what, count]) => {
    if (what !== 'not-chosen') return { what, packets: count, note: NOTES[what] };
    const note = `plaintext packets of pods to or from nodes that no claim is about: ${outside[0]?.reason ?? ''}`;
    return { what, packets: count, note, nodes };
  });
}
