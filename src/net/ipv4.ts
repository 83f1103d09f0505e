/** An IPv4 address as an unsigned number. The address must be valid. */
export function toNumber(address: string): number {
  return address.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
}

/** The address of a number below 2^32. */
export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** First address and number of addresses of a CIDR. */
export function parseCidr(cidr: string): { first: number; size: number; prefixLength: number } {
  const [address = '', length = '32'] = cidr.split('/');
  const prefixLength = Number(length);
  const size = 2 ** (32 - prefixLength);
  const number = toNumber(address);
  return { first: number - (number % size), size, prefixLength };
}
