import { u32le } from '../net/bytes.ts';

const TYPE_DATA = 4;
/** Header and tag. */
const SHORTEST = 32;

/**
 * Cuts the payload of a UDP datagram into the WireGuard data messages that it holds: one as a rule, and several if a capture
 * sees segmentation offload, which wireguard-go asks for: equally long messages, the last perhaps shorter, with counters one after
 * another. The payload must begin with a data message.
 */
export function splitSegments(payload: Uint8Array): Uint8Array[] {
  const length = segmentLength(payload);
  if (length === undefined) return [payload];
  const segments: Uint8Array[] = [];
  for (let start = 0; start < payload.length; start += length) segments.push(payload.subarray(start, start + length));
  return segments.every((segment, i) => follows(payload, segment, i)) ? segments : [payload];
}

/** Returns the counter of a data message; beyond 2^53 it is rounded. */
export function counterOf(message: Uint8Array): number {
  return u32le(message, 8) + u32le(message, 12) * 2 ** 32;
}

function segmentLength(payload: Uint8Array): number | undefined {
  const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const typeAndIndex = buffer.subarray(0, 8);
  for (let at = buffer.indexOf(typeAndIndex, SHORTEST); at >= 0; at = buffer.indexOf(typeAndIndex, at + 1)) {
    if (follows(payload, payload.subarray(at), 1)) return at;
  }
  return undefined;
}

/** Returns whether `segment` is the `n`-th message after the one that `first` starts with, of the same session. */
function follows(first: Uint8Array, segment: Uint8Array, n: number): boolean {
  if (segment.length < SHORTEST) return false;
  return (
    u32le(segment, 0) === TYPE_DATA &&
    u32le(segment, 4) === u32le(first, 4) &&
    counterOf(segment) === counterOf(first) + n
  );
}
