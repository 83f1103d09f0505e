import { isIPv4, isIPv6 } from 'node:net';

/** A network: its family, first address as a number, and prefix length. */
export interface Cidr {
  family: 4 | 6;
  base: bigint;
  prefix: number;
}

/** Reads `10.0.0.0/8` or `fd00::/64`; undefined where it is neither. Bits behind the prefix are kept: see `isNetwork`. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const prefix = Number(length);
  if (isIPv4(address) && prefix <= 32) return { family: 4, base: joined(address.split('.').map(Number), 8), prefix };
  if (isIPv6(address) && !address.includes('%') && prefix <= 128) return { family: 6, base: ipv6(address), prefix };
  return undefined;
}

/** Whether no bit is set behind the prefix: `10.1.0.0/16` is a network, `10.1.2.3/16` an address in one. */
export function isNetwork(cidr: Cidr): boolean {
  return first(cidr, cidr.prefix) === cidr.base;
}

/** Whether two networks have an address in common. */
export function overlap(a: Cidr, b: Cidr): boolean {
  const shorter = Math.min(a.prefix, b.prefix);
  return a.family === b.family && first(a, shorter) === first(b, shorter);
}

/** The same text for the same network, however it is written; an address alone is a network of one. */
export function networkKey(text: string): string {
  const cidr = parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);
  return cidr ? `${cidr.family}:${cidr.base}/${cidr.prefix}` : text;
}

function first({ family, base }: Cidr, prefix: number): bigint {
  const behind = BigInt((family === 4 ? 32 : 128) - prefix);
  return (base >> behind) << behind;
}

function ipv6(address: string): bigint {
  // The last 32 bits may be written as in IPv4: ::ffff:10.0.0.1
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = [], tail = []] = hex.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array(8 - head.length - tail.length).fill('0');
  return joined(
    [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16)),
    16,
  );
}

function joined(parts: readonly number[], bits: number): bigint {
  return parts.reduce((sum, part) => (sum << BigInt(bits)) | BigInt(part), 0n);
}
