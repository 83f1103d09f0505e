import { isIPv4, isIPv6 } from 'node:net';
import { u8, u16, u32 } from './bytes.ts';

/** How many texts of addresses are remembered: a capture has few addresses and many packets. */
const REMEMBERED = 4096;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const ipv4Texts = new Map<number, string>();
const ipv6Texts = new Map<string, string>();
const hardwareTexts = new Map<number, string>();

/** The four bytes at `offset` as text: `10.0.0.1`. */
export function formatIpv4(bytes: Uint8Array, offset = 0): string {
  const key = u32(bytes, offset);
  return ipv4Texts.get(key) ?? remember(ipv4Texts, key, dotted(bytes, offset));
}

/** The sixteen bytes at `offset` as RFC 5952 writes them: `fe80::1`, `::ffff:10.0.0.1`. */
export function formatIpv6(bytes: Uint8Array, offset = 0): string {
  const key = String.fromCharCode(
    u16(bytes, offset),
    u16(bytes, offset + 2),
    u16(bytes, offset + 4),
    u16(bytes, offset + 6),
    u16(bytes, offset + 8),
    u16(bytes, offset + 10),
    u16(bytes, offset + 12),
    u16(bytes, offset + 14),
  );
  return ipv6Texts.get(key) ?? remember(ipv6Texts, key, compressed(bytes, offset));
}

/** The six bytes at `offset` as `02:00:00:00:00:01`. */
export function formatHardwareAddress(bytes: Uint8Array, offset = 0): string {
  const key = u32(bytes, offset) * 0x10000 + u16(bytes, offset + 4);
  return hardwareTexts.get(key) ?? remember(hardwareTexts, key, colons(bytes, offset));
}

/** 4 or 16 bytes, or undefined where the text is no IP address. A zone (`%eth0`) is not taken. */
export function parseIp(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const tail = text.lastIndexOf(':') + 1;
  const four = text.includes('.') ? parseIp(text.slice(tail)) : undefined;
  const plain = four ? `${text.slice(0, tail)}${u16(four, 0).toString(16)}:${u16(four, 2).toString(16)}` : text;
  const [head = '', rest] = plain.split('::');
  const before = groups(head);
  const after = groups(rest ?? '');
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** A block of addresses. `bytes` has the bits after the prefix cleared. */
export interface Cidr {
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** Reads `10.244.0.0/16`, `fd00::/8`, or a lone address; undefined where it is neither. Bits after the prefix are dropped. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', prefixText, more] = text.split('/');
  const bytes = parseIp(address);
  if (!bytes || more !== undefined) return undefined;
  const bits = bytes.length * 8;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return undefined;
  const network = bytes.map((byte, i) => byte & (0xff << (8 - Math.min(8, Math.max(0, prefix - i * 8)))));
  return { bytes: network, prefix };
}

/** Whether the address at `offset`, of as many bytes as the block's own family has, lies in the block. */
export function cidrHasBytes(cidr: Cidr, bytes: Uint8Array, offset = 0): boolean {
  const whole = cidr.prefix >> 3;
  for (let i = 0; i < whole; i++) if (bytes[offset + i] !== cidr.bytes[i]) return false;
  const rest = cidr.prefix & 7;
  return rest === 0 || (u8(bytes, offset + whole) & (0xff00 >> rest) & 0xff) === cidr.bytes[whole];
}

/**
 * Blocks of addresses, asked by text, as decoded layers carry them. Answers are remembered, so that asking for every packet
 * costs one look-up (node:net's BlockList takes 20 times as long, and has no way to ask with bytes).
 */
export class CidrSet {
  readonly #cidrs: readonly Cidr[];
  readonly #answers = new Map<string, boolean>();

  constructor(cidrs: readonly Cidr[]) {
    this.#cidrs = cidrs;
  }

  has(address: string): boolean {
    return this.#answers.get(address) ?? remember(this.#answers, address, this.#ask(address));
  }

  #ask(address: string): boolean {
    const bytes = parseIp(address);
    return bytes !== undefined && this.#cidrs.some((c) => c.bytes.length === bytes.length && cidrHasBytes(c, bytes));
  }
}

function remember<K, V>(known: Map<K, V>, key: K, value: V): V {
  if (known.size >= REMEMBERED) known.clear();
  known.set(key, value);
  return value;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function dotted(bytes: Uint8Array, offset: number): string {
  return bytes.subarray(offset, offset + 4).join('.');
}

function colons(bytes: Uint8Array, offset: number): string {
  return Array.from(bytes.subarray(offset, offset + 6), (byte) => HEX[byte]).join(':');
}

function compressed(bytes: Uint8Array, offset: number): string {
  const all = Array.from({ length: 8 }, (_, i) => u16(bytes, offset + i * 2));
  // RFC 5952 §5: the dotted form is for addresses that are known to embed an IPv4 address.
  if (all.slice(0, 5).every((group) => group === 0) && all[5] === 0xffff) return `::ffff:${dotted(bytes, offset + 12)}`;
  const [start, length] = longestZeros(all);
  const hex = all.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(all: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < all.length; start++) {
    let end = start;
    while (all[end] === 0) end += 1;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}
