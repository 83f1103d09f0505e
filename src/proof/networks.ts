import { type Cidr, cidrHasBytes, parseCidr, parseIp } from '../net/addresses.ts';
import type { Record } from './record.ts';

/** Whose an address is. A pod's `node` is null where only the pool is known. Everybody else is outside. */
export type Owner = { readonly kind: 'node' | 'pod'; readonly node: string | null };

interface Network extends Cidr, Owner {}

/** How many answers are remembered: a run has few addresses, a hostile capture many. */
const REMEMBERED = 65_536;

/**
 * Whose the addresses of a run are: nodes by their underlay addresses, pods by the longest prefix of the pod networks. A node's
 * own address is the node's even where a pod network claims it too (Calico gives the tunnel device the node's address under host encryption).
 */
export class Networks {
  readonly #networks: readonly Network[];
  readonly #ipv6Pods: readonly Network[];
  readonly #owners = new Map<string, Owner | undefined>();

  constructor(record: Pick<Record, 'nodes' | 'podNetworks' | 'unprobed' | 'outside'>) {
    const addresses: [node: string, address: string][] = [
      ...record.nodes.flatMap(({ name, address, otherAddresses = [] }) =>
        [address, ...otherAddresses].map((text): [string, string] => [name, text]),
      ),
      ...[...(record.unprobed ?? []), ...(record.outside ?? [])].flatMap(({ name, address }): [string, string][] =>
        address ? [[name, address]] : [],
      ),
    ];
    const nodes = addresses.map(([node, text]) => network(text, { kind: 'node', node }));
    const pods = record.podNetworks.map(({ cidr, node }) => network(cidr, { kind: 'pod', node }));
    // The sort is stable: of equal prefixes, nodes come first, and a block whose node is known before one without.
    pods.sort((a, b) => Number(a.node === null) - Number(b.node === null));
    this.#networks = [...nodes, ...pods].sort((a, b) => b.prefix - a.prefix);
    this.#ipv6Pods = pods.filter((n) => n.bytes.length === 16);
  }

  /** The owner of an address in the text form of `formatIpv4` and `formatIpv6`. */
  owner(address: string): Owner | undefined {
    if (!this.#owners.has(address)) {
      if (this.#owners.size >= REMEMBERED) this.#owners.clear();
      this.#owners.set(address, this.#find(address));
    }
    return this.#owners.get(address);
  }

  /** Whether any pod network is of IPv6, so that looking for its headers is worth the time. */
  get hasIpv6Pods(): boolean {
    return this.#ipv6Pods.length > 0;
  }

  /** Whether the sixteen bytes at `offset` are an address of an IPv6 pod network: `owner` without making text of them. */
  inIpv6Pods(bytes: Uint8Array, offset: number): boolean {
    return this.#ipv6Pods.some((n) => cidrHasBytes(n, bytes, offset));
  }

  #find(address: string): Owner | undefined {
    const bytes = parseIp(address);
    if (!bytes) return undefined;
    return this.#networks.find((n) => n.bytes.length === bytes.length && cidrHasBytes(n, bytes));
  }
}

function network(text: string, owner: Owner): Network {
  const cidr = parseCidr(text);
  if (!cidr) throw new TypeError(`${text} is not a block of addresses`);
  return { ...cidr, ...owner };
}
