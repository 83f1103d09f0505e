import { addressAt, bitsOf, type Family, isNetworkOf, numbersOf } from '../../../net/families.ts';

/** Why IPAM refused. */
export class IpamError extends Error {
  readonly reason: 'InvalidPool' | 'NoPool' | 'PoolExhausted' | 'HandleInUse';

  constructor(reason: IpamError['reason'], message: string) {
    super(message);
    this.name = 'IpamError';
    this.reason = reason;
  }
}

/** An address that is in use: whose, on which node, and from which block. */
export interface Allocation {
  address: string;
  handle: string;
  node: string;
  /** CIDR of the block that it is from. */
  block: string;
  /** True if that block is another node's: the address then needs a /32 route of its own. */
  borrowed: boolean;
}

interface Block {
  /** Its first address. */
  base: bigint;
  family: Family;
  cidr: string;
  /** The node that it is affine to; undefined when that node left while others still had addresses of the block. */
  node: string | undefined;
  /** Free addresses as offsets into the block: handed out from the front, given back at the end. */
  free: number[];
}

interface Pool {
  cidr: string;
  family: Family;
  /** First address, as a number. */
  first: bigint;
  /** Prefix length of the blocks, how many addresses one has, and how many blocks there are. */
  blockPrefix: number;
  blockSize: number;
  blocks: bigint;
}

/** Prefix lengths that a block may have: Calico's bounds (libcalico-go/lib/validator). */
const BOUNDS = { 4: [20, 32], 6: [116, 128] } as const;

interface Held {
  node: string;
  block: Block;
  offset: number;
}

/**
 * Calico's IPAM for one pool, in memory: each node gets addresses from blocks of its own, so that one route a block is
 * enough. A node's first block lies at a place that depends on its name
 * only; it claims a further one when its blocks are full, and borrows from other nodes' blocks when none is left.
 */
export class Ipam {
  #pool: Pool | undefined;
  #blocks = new Map<bigint, Block>();
  #held = new Map<string, Held>();
  #listeners = new Set<() => void>();

  /** @param pool CIDR to start with; see setPool. */
  constructor(pool?: string, blockSize = 26) {
    if (pool !== undefined) this.setPool(pool, blockSize);
  }

  /** CIDR of the pool, or undefined as long as there is none. */
  get pool(): string | undefined {
    return this.#pool?.cidr;
  }

  /**
   * Sets the pool; blockSize is a prefix length from 20 to 32, or from 116 to 128 for an IPv6 pool. Setting the same again does nothing.
   * Throws IpamError InvalidPool, also for another pool while addresses of the present one are in use.
   */
  setPool(pool: string, blockSize = 26): void {
    const family = isNetworkOf(6, pool) ? 6 : 4;
    if (!isNetworkOf(family, pool)) throw new IpamError('InvalidPool', `"${pool}" is not a network in CIDR notation`);
    const [least, most] = BOUNDS[family];
    if (!Number.isInteger(blockSize) || blockSize < least || blockSize > most) {
      throw new IpamError('InvalidPool', `block size ${blockSize} is not between ${least} and ${most}`);
    }
    const { first, prefixLength } = numbersOf(pool);
    if (blockSize < prefixLength) {
      throw new IpamError('InvalidPool', `blocks of size /${blockSize} do not fit into the pool ${pool}`);
    }
    const present = this.#pool;
    if (present?.cidr === pool && present.blockPrefix === blockSize) return;
    if (present && this.#blocks.size > 0) {
      const used = `${present.cidr} with blocks of /${present.blockPrefix}`;
      throw new IpamError('InvalidPool', `the pool ${used} is in use and cannot become ${pool} with /${blockSize}`);
    }
    this.#pool = {
      cidr: pool,
      family,
      first,
      blockPrefix: blockSize,
      blockSize: 2 ** (bitsOf(family) - blockSize),
      blocks: 2n ** BigInt(blockSize - prefixLength),
    };
  }

  /**
   * Returns an address of a node for a handle: the one that it has, or a new one. Throws IpamError NoPool, PoolExhausted, or
   * HandleInUse if the handle has an address on another node.
   */
  assign(node: string, handle: string): string {
    const held = this.#held.get(handle);
    if (held && held.node !== node) {
      throw new IpamError('HandleInUse', `${handle} has the address ${textOf(held)} on node ${held.node} already`);
    }
    if (held) return textOf(held);
    const block = this.#ownBlockWithRoom(node) ?? this.#claim(node) ?? this.#blockToBorrowFrom();
    const offset = block?.free.shift();
    if (!block || offset === undefined) {
      throw new IpamError('PoolExhausted', `no address is left in the pool ${this.pool}`);
    }
    const assigned = { node, block, offset };
    this.#held.set(handle, assigned);
    return textOf(assigned);
  }

  /** Releases a handle's address, which is then used again last. Returns whether there was one. */
  release(handle: string): boolean {
    const held = this.#held.get(handle);
    if (!held) return false;
    this.#held.delete(handle);
    held.block.free.push(held.offset);
    this.#dropIfOrphaned(held.block);
    return true;
  }

  /** Releases all that a node has. A block that others borrowed from stays, without a node, until they are done with it. */
  releaseNode(node: string): void {
    for (const [handle, held] of this.#held) if (held.node === node) this.release(handle);
    for (const block of [...this.#blocks.values()].filter((candidate) => candidate.node === node)) {
      block.node = undefined;
      if (!this.#dropIfOrphaned(block)) this.#notify();
    }
  }

  addressOf(handle: string): string | undefined {
    const held = this.#held.get(handle);
    return held && textOf(held);
  }

  /** CIDRs of the blocks that are affine to a node, in the order in which it claimed them. */
  blocksOf(node: string): string[] {
    return [...this.#blocks.values()].filter((block) => block.node === node).map(({ cidr }) => cidr);
  }

  /** All blocks that are affine to a node. */
  blocks(): { cidr: string; node: string }[] {
    return [...this.#blocks.values()].flatMap(({ cidr, node }) => (node === undefined ? [] : [{ cidr, node }]));
  }

  allocations(): Allocation[] {
    return [...this.#held].map(([handle, held]) => ({
      address: textOf(held),
      handle,
      node: held.node,
      block: held.block.cidr,
      borrowed: held.block.node !== held.node,
    }));
  }

  /** Calls `listener` whenever a block is claimed or given back, until the function that comes back is called. */
  onBlocksChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #ownBlockWithRoom(node: string): Block | undefined {
    for (const block of this.#blocks.values()) if (block.node === node && block.free.length > 0) return block;
    return undefined;
  }

  #blockToBorrowFrom(): Block | undefined {
    for (const block of this.#blocks.values()) if (block.free.length > 0) return block;
    return undefined;
  }

  /** Takes the first free block at or after the node's own place in the pool; undefined if there is none. */
  #claim(node: string): Block | undefined {
    if (!this.#pool) throw new IpamError('NoPool', 'there is no IP pool yet');
    const { family, first, blockPrefix, blockSize, blocks } = this.#pool;
    if (BigInt(this.#blocks.size) >= blocks) return undefined;
    const baseOf = (index: bigint) => first + index * BigInt(blockSize);
    let index = BigInt(placeOf(node)) % blocks;
    while (this.#blocks.has(baseOf(index))) index = (index + 1n) % blocks;
    const base = baseOf(index);
    const cidr = `${addressAt(base, family)}/${blockPrefix}`;
    const block: Block = { base, family, cidr, node, free: Array.from({ length: blockSize }, (_, offset) => offset) };
    this.#blocks.set(base, block);
    this.#notify();
    return block;
  }

  #dropIfOrphaned(block: Block): boolean {
    if (block.node !== undefined || block.free.length < (this.#pool?.blockSize ?? 0)) return false;
    this.#blocks.delete(block.base);
    this.#notify();
    return true;
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function textOf({ block, offset }: Held): string {
  return addressAt(block.base + BigInt(offset), block.family);
}

/**
 * Returns the place in the pool at which a node looks for its first block: FNV-1a of its name, as Calico seeds its search with an FNV hash of the
 * name, with the bits mixed once more so that worker, worker2 and worker3 do not lie next to each other.
 */
function placeOf(node: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(node)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
