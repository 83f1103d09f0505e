import { parseCidr, parseIp } from '../net/addresses.ts';
import type { Record } from './record.ts';

/** The owner of an address. A pod's `node` is null if only its pool is known. An address without an owner is outside the cluster. */
export type Owner = { readonly kind: 'node' | 'pod' | 'service'; readonly node: string | null };

/** How many answers are remembered: a run has few addresses, a hostile capture many. */
const REMEMBERED = 65_536;

type Known = Pick<Record, 'nodes' | 'podNetworks' | 'unprobed' | 'outside' | 'serviceCidrs'>;

/**
 * Finds the owner of an address: nodes by their underlay addresses, pods and services by the longest prefix of their networks.
 * A node's own address is the node's even if a pod network claims it too: Calico gives the tunnel device the node's address
 * under host encryption.
 */
export class Networks {
  readonly hasIpv6Pods: boolean;
  /** The first bytes that addresses of the cluster have, by address length: a quick test before the search for an owner. */
  readonly firstBytes: { readonly 4: Uint8Array; readonly 16: Uint8Array } = {
    4: new Uint8Array(256),
    16: new Uint8Array(256),
  };
  /** Blocks by their family and prefix, and in each by the bytes of the network. */
  readonly #blocks = new Map<string, Map<string, Owner>>();
  /** The prefixes of each family that have blocks, longest first. */
  readonly #prefixes: { readonly [length: number]: number[] };
  readonly #owners = new Map<string, Owner | undefined>();

  constructor(record: Known) {
    for (const [node, address] of nodeAddresses(record)) this.#add(address, { kind: 'node', node });
    for (const { cidr, node } of record.podNetworks) if (node !== null) this.#add(cidr, { kind: 'pod', node });
    for (const { cidr, node } of record.podNetworks) if (node === null) this.#add(cidr, { kind: 'pod', node });
    for (const cidr of record.serviceCidrs ?? []) this.#add(cidr, { kind: 'service', node: null });
    this.#prefixes = { 4: this.#prefixesOf(4), 16: this.#prefixesOf(16) };
    this.hasIpv6Pods = record.podNetworks.some(({ cidr }) => cidr.includes(':'));
  }

  /** Returns the owner of an address in the text form of `formatIpv4` and `formatIpv6`, or undefined if it has none. */
  owner(address: string): Owner | undefined {
    if (!this.#owners.has(address)) {
      if (this.#owners.size >= REMEMBERED) this.#owners.clear();
      const bytes = parseIp(address);
      this.#owners.set(address, bytes && this.ownerOfBytes(bytes, 0, bytes.length));
    }
    return this.#owners.get(address);
  }

  /** Returns the owner of the address of `length` bytes at `offset`, without formatting it as text. */
  ownerOfBytes(bytes: Uint8Array, offset: number, length: number): Owner | undefined {
    for (const prefix of this.#prefixes[length] ?? []) {
      const owner = this.#blocks.get(`${length}/${prefix}`)?.get(networkKey(bytes, offset, length, prefix));
      if (owner) return owner;
    }
    return undefined;
  }

  /** Returns the node that has the address on the underlay, or undefined. */
  nodeAt(address: string): string | undefined {
    const owner = this.owner(address);
    return owner?.kind === 'node' ? (owner.node ?? undefined) : undefined;
  }

  /** Adds a block; its first owner keeps it. */
  #add(text: string, owner: Owner): void {
    const cidr = parseCidr(text);
    if (!cidr) throw new TypeError(`${text} is not a block of addresses`);
    const { length } = cidr.bytes;
    const name = `${length}/${cidr.prefix}`;
    const blocks = this.#blocks.get(name) ?? new Map<string, Owner>();
    this.#blocks.set(name, blocks);
    const key = networkKey(cidr.bytes, 0, length, cidr.prefix);
    if (!blocks.has(key)) blocks.set(key, owner);
    const first = cidr.bytes[0] ?? 0;
    const table = this.firstBytes[length === 4 ? 4 : 16];
    table.fill(1, first, first + 2 ** Math.max(0, 8 - cidr.prefix));
  }

  #prefixesOf(length: number): number[] {
    return [...this.#blocks.keys()]
      .filter((name) => name.startsWith(`${length}/`))
      .map((name) => Number(name.slice(name.indexOf('/') + 1)))
      .sort((a, b) => b - a);
  }
}

/** Returns every underlay address of every node of the cluster that the record knows. */
function nodeAddresses(record: Known): [node: string, address: string][] {
  return [
    ...record.nodes.flatMap(({ name, address, otherAddresses = [] }) =>
      [address, ...otherAddresses].map((text): [string, string] => [name, text]),
    ),
    ...[...(record.unprobed ?? []), ...(record.outside ?? [])].flatMap(({ name, address }): [string, string][] =>
      address ? [[name, address]] : [],
    ),
  ];
}

/** Returns the bits of an address up to the prefix, as a string. */
function networkKey(bytes: Uint8Array, offset: number, length: number, prefix: number): string {
  let key = '';
  for (let i = 0; i < length && i * 8 < prefix; i++) {
    const kept = Math.min(8, prefix - i * 8);
    key += String.fromCharCode((bytes[offset + i] ?? 0) & (0xff00 >> kept));
  }
  return key;
}
