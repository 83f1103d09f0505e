import { isIPv4 } from 'node:net';

/** An IPv4 address as an unsigned number. The address must be valid. */
export function toNumber(address: string): number {
  return address.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
}

/** The address of a number below 2^32. */
export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** Whether a CIDR holds an address. */
export function contains(cidr: string, address: string): boolean {
  const { first, size } = parseCidr(cidr);
  const number = toNumber(address);
  return number >= first && number < first + size;
}

/** First address and number of addresses of a CIDR. */
export function parseCidr(cidr: string): { first: number; size: number; prefixLength: number } {
  const [address = '', length = '32'] = cidr.split('/');
  const prefixLength = Number(length);
  const size = 2 ** (32 - prefixLength);
  const number = toNumber(address);
  return { first: number - (number % size), size, prefixLength };
}

/** Whether a text is an IPv4 network such as 192.168.1.64/26, without bits beyond its prefix. */
export function isCidr(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  if (more.length > 0 || !isIPv4(address) || !/^(\d|[12]\d|3[0-2])$/.test(length)) return false;
  return toNumber(address) % 2 ** (32 - Number(length)) === 0;
}
