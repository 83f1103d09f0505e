import { cidrHasBytes, formatIpv4, formatIpv6, parseCidr, parseIp } from './addresses.ts';

/** The version of IP. */
export type Family = 4 | 6;

/** The family of an address or network. */
export function familyOf(text: string): Family {
  return text.includes(':') ? 6 : 4;
}

/** The number of bits of an address. */
export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Whether a text is an address of the family, as the kernel writes it: addresses of tunnels come from annotations. */
export function isAddressOf(family: Family, text: string | undefined): text is string {
  const bytes = text === undefined ? undefined : parseIp(text);
  return bytes !== undefined && bytes.length * 8 === bitsOf(family) && formatted(bytes) === text;
}

/** Whether a text is a network of the family such as fd00:10:244::/56, as the kernel writes it. */
export function isNetworkOf(family: Family, text: string): boolean {
  const cidr = parseCidr(text);
  return cidr?.bytes.length === bitsOf(family) / 8 && `${formatted(cidr.bytes)}/${cidr.prefix}` === text;
}

/** Whether a network holds an address. */
export function holds(network: string, address: string): boolean {
  const cidr = parseCidr(network);
  const bytes = parseIp(address);
  return cidr !== undefined && bytes?.length === cidr.bytes.length && cidrHasBytes(cidr, bytes);
}

/** First address of a network as a number, and the length of its prefix. The network must be valid. */
export function numbersOf(network: string): { first: bigint; prefixLength: number } {
  const { bytes = new Uint8Array(4), prefix = 32 } = parseCidr(network) ?? {};
  return { first: bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n), prefixLength: prefix };
}

/** The address of a number. */
export function addressAt(number: bigint, family: Family): string {
  const count = bitsOf(family) / 8;
  return formatted(
    Uint8Array.from({ length: count }, (_, i) => Number((number >> BigInt((count - 1 - i) * 8)) & 0xffn)),
  );
}

function formatted(bytes: Uint8Array): string {
  return bytes.length === 4 ? formatIpv4(bytes) : formatIpv6(bytes);
}
