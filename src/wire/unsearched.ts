import type { Register } from './cursor.ts';
import type { Walked } from './packet-walk.ts';

/**
 * The kinds of data that the search for markers could not search completely. Every byte of every frame is searched in any case: only
 * a piece that is cut over several frames, or that is not in the captured bytes, may have been missed.
 *
 * - `unknown protocol`: the headers end in one that is not entered; packets in it are not put together.
 * - `truncated`: the capture has fewer bytes than the headers say.
 * - `malformed`: a header contradicts itself.
 * - `too deep`: there are more headers than are followed.
 * - `datagram hole`: fragments of a datagram never came.
 * - `stream hole`: bytes of a TCP stream between others never came.
 * - `discarded by SYN`: a connection that had not ended began again; its earlier bytes are not joined with later ones.
 * - `contradiction`: bytes of a stream or datagram came twice, and differ: only the ends know which ones they used.
 * - `repeat not compared`: bytes came again so late that nobody knows whether they are the same.
 * - `urgent bytes`: the application may not get these bytes where they are in the stream.
 * - `over bound`: there was too much at a time; what was given up came again.
 * - `shared piece`: it holds characters that several markers share, so its marker is not known.
 */
export type UnsearchedKind =
  | 'unknown protocol'
  | 'truncated'
  | 'malformed'
  | 'too deep'
  | 'datagram hole'
  | 'stream hole'
  | 'discarded by SYN'
  | 'contradiction'
  | 'repeat not compared'
  | 'urgent bytes'
  | 'over bound'
  | 'shared piece';

/** Something that was not searched: one line for a person, and the indexes of its frames, in order. */
export interface Unsearched {
  readonly kind: UnsearchedKind;
  readonly reason: string;
  readonly frames: readonly number[];
}

/** Returns what a walk could not enter, or undefined if it came to its end. */
export function unsearchedBy(walked: Walked, frames: readonly number[]): Unsearched | undefined {
  const { ending } = walked;
  if (ending === 'complete') return undefined;
  const kind = ending === 'unknown' ? 'unknown protocol' : ending;
  return { kind, reason: REASONS[ending](walked), frames };
}

const REASONS: { readonly [ending in Exclude<Walked['ending'], 'complete'>]: (walked: Walked) => string } = {
  unknown: ({ register, number }) => `nothing is known of ${register} ${numberOf(register, number)}`,
  truncated: () => 'the capture has fewer bytes than the headers say',
  malformed: () => 'a header contradicts itself',
  'too deep': () => 'there are more headers than are followed',
};

function numberOf(register: Register, number: number): string {
  return register === 'IP protocol' || register === 'link type'
    ? String(number)
    : `0x${number.toString(16).padStart(4, '0')}`;
}
