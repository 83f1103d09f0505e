import { parseCidr, toAddress } from '../../../net/ipv4.ts';
import { ownOffset } from '../dataplane/names.ts';

/** The addresses of one node's podCIDR: two for the node itself, the others for its pods. */
export class NodeAddresses {
  readonly podCidr: string;
  /** The address of cilium_host, which pods have as their gateway. */
  readonly internal: string;
  readonly health: string;
  readonly #first: number;
  readonly #size: number;
  readonly #taken = new Map<string, string>();

  constructor(node: string, podCidr: string) {
    const { first, size } = parseCidr(podCidr);
    this.podCidr = podCidr;
    this.#first = first;
    this.#size = size;
    this.internal = toAddress(first + ownOffset(node, 'router', size));
    this.health = toAddress(first + ownOffset(node, 'health', size));
  }

  /** Takes the lowest free address for an owner, or returns the one that it has. Throws if none is left. */
  assign(owner: string): string {
    const present = this.#taken.get(owner);
    if (present !== undefined) return present;
    const inUse = new Set([this.internal, this.health, ...this.#taken.values()]);
    // The first address of a network and the one after it are nobody's, as with Kubernetes' own ranges; nor is the last one.
    for (let offset = 2; offset < this.#size - 1; offset++) {
      const address = toAddress(this.#first + offset);
      if (inUse.has(address)) continue;
      this.#taken.set(owner, address);
      return address;
    }
    throw new Error(`no address is left in ${this.podCidr}`);
  }

  release(owner: string): void {
    this.#taken.delete(owner);
  }

  /** How many are in use, the node's own among them. */
  get count(): number {
    return this.#taken.size + 2;
  }

  /** How many there are. */
  get capacity(): number {
    return this.#size - 2;
  }
}
