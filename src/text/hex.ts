/** Returns bytes as hexadecimal digits without anything between them. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** Returns bytes as pairs of hexadecimal digits: `45 00 00 54`. */
export function spacedHex(bytes: Uint8Array): string {
  return hexOf(bytes).replace(/..(?=.)/g, '$& ');
}

const BYTES_A_LINE = 16;

/** Returns bytes in lines of sixteen with their ASCII characters next to them, as xxd shows them. */
export function hexDump(bytes: Uint8Array): string[] {
  const lines = Math.ceil(bytes.length / BYTES_A_LINE);
  return Array.from({ length: lines }, (_, i) => {
    const part = bytes.subarray(i * BYTES_A_LINE, (i + 1) * BYTES_A_LINE);
    const ascii = Array.from(part, (byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '.'));
    return `${spacedHex(part).padEnd(BYTES_A_LINE * 3 - 1)}  ${ascii.join('')}`;
  });
}
