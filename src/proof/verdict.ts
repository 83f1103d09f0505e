import { ExitCode } from '../errors.ts';
import type { PairObservation } from './observe.ts';
import type { Claim } from './record.ts';

export type Verdict = 'pass' | 'fail' | 'inconclusive';

export interface Judged {
  /** Null without a claim. */
  verdict: Verdict | null;
  /** One sentence. */
  summary: string;
}

/**
 * What a claim is worth against what was seen between every pair of nodes. A claim fails on what was seen, and passes only where
 * everything that it needs was seen: `encrypted` fails on any packet in clear, also where the pair is otherwise inconclusive, for
 * such a packet cannot be explained away; `plaintext` fails where a pair was observed `encrypted` or `mixed`. `of` is how many
 * pairs there are where `pairs` is a sample of them, and `outside` the nodes that the claim is not about: the summary says both.
 */
export function judgeClaim(
  claim: Claim | null,
  pairs: readonly PairObservation[],
  of?: number,
  outside: readonly string[] = [],
): Judged {
  const sample = of === undefined ? '' : ` This is a sample: ${pairs.length} of ${of} pairs were looked at.`;
  const judged = judgePairs(claim, pairs);
  return { ...judged, summary: judged.summary + sample + limitOf(outside) };
}

/** How many names are written out. */
const NAMED = 5;

function limitOf(outside: readonly string[]): string {
  if (outside.length === 0) return '';
  const more = outside.length > NAMED ? ` and ${outside.length - NAMED} more` : '';
  return ` Nothing is said of ${outside.slice(0, NAMED).join(', ')}${more}: not chosen.`;
}

function judgePairs(claim: Claim | null, pairs: readonly PairObservation[]): Judged {
  if (claim === null) return { verdict: null, summary: `Without a claim: ${tally(pairs)}.` };
  if (pairs.length === 0) return { verdict: 'inconclusive', summary: 'There is no pair of nodes to observe.' };
  const against = pairs.filter(contradicts[claim]);
  if (against.length > 0) {
    return { verdict: 'fail', summary: `The claim "${claim}" fails for ${inWords(against, pairs)}.` };
  }
  const unknown = pairs.filter((pair) => pair.observation !== claim);
  if (unknown.length > 0) {
    return {
      verdict: 'inconclusive',
      summary: `Whether traffic is ${claim} cannot be said for ${inWords(unknown, pairs)}.`,
    };
  }
  return { verdict: 'pass', summary: `Traffic between all ${pairs.length} pairs of nodes is ${claim}.` };
}

/** The exit status that a verdict stands for; without a claim nothing can fail. */
export function exitCodeOf(verdict: Verdict | null): ExitCode {
  if (verdict === 'fail') return ExitCode.claimFails;
  return verdict === 'inconclusive' ? ExitCode.inconclusive : ExitCode.done;
}

const contradicts: { [claim in Claim]: (pair: PairObservation) => boolean } = {
  encrypted: ({ observation, plaintextPackets }) =>
    plaintextPackets > 0 || observation === 'plaintext' || observation === 'mixed',
  plaintext: ({ observation }) => observation === 'encrypted' || observation === 'mixed',
};

/** How many, and the first of them with its reason. */
function inWords(some: readonly PairObservation[], all: readonly PairObservation[]): string {
  const [first] = some;
  const count = some.length === all.length ? `all ${all.length}` : `${some.length} of ${all.length}`;
  return `${count} pairs of nodes${first ? `, first ${first.from} to ${first.to}: ${first.reason}` : ''}`;
}

function tally(pairs: readonly PairObservation[]): string {
  const kinds = ['encrypted', 'plaintext', 'mixed', 'inconclusive'] as const;
  const counts = kinds.map((kind) => ({ kind, count: pairs.filter((p) => p.observation === kind).length }));
  const seen = counts.filter(({ count }) => count > 0).map(({ kind, count }) => `${count} ${kind}`);
  return seen.length > 0 ? `of ${pairs.length} pairs of nodes, ${seen.join(', ')}` : 'no pairs of nodes';
}
