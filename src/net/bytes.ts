/**
 * Reading numbers out of bytes. Out of range reads give zeros instead of an error: callers check lengths first, once a header.
 */
export function u8(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

/** Big-endian, as all network headers but WireGuard's. */
export function u16(bytes: Uint8Array, offset: number): number {
  return (u8(bytes, offset) << 8) | u8(bytes, offset + 1);
}

export function u24(bytes: Uint8Array, offset: number): number {
  return (u8(bytes, offset) << 16) | u16(bytes, offset + 1);
}

export function u32(bytes: Uint8Array, offset: number): number {
  return ((u16(bytes, offset) << 16) | u16(bytes, offset + 2)) >>> 0;
}

export function u16le(bytes: Uint8Array, offset: number): number {
  return u8(bytes, offset) | (u8(bytes, offset + 1) << 8);
}

export function u32le(bytes: Uint8Array, offset: number): number {
  return (u16le(bytes, offset) | (u16le(bytes, offset + 2) << 16)) >>> 0;
}

/** One step of a hash for look-ups; `multiplier` is odd, and makes hashes of the same values differ. Not for secrets. */
export function mix(hash: number, value: number, multiplier: number): number {
  const mixed = Math.imul(hash ^ value, multiplier);
  return mixed ^ (mixed >>> 15);
}
