import { ExitCode } from '../errors.ts';
import type { Claim } from './record.ts';
import type { Count, Tally, Trouble } from './tally.ts';
import type { Untested } from './untested.ts';

export type Verdict = 'pass' | 'fail' | 'inconclusive';

export interface Judged {
  /** Null without a claim. */
  verdict: Verdict | null;
  /** The verdict in a sentence, and one for each limit of it. */
  summary: string;
}

/** The limits of a verdict: pairs and nodes that it says nothing about. */
export interface Limits {
  /** How many pairs there are if only a sample was observed. */
  readonly sampledOf: number | undefined;
  /** The nodes that the claim is not about. */
  readonly outside: readonly string[];
  readonly untested: readonly Untested[];
}

/**
 * Judges a claim by what was observed of the pairs of nodes. A claim fails on what was seen, and passes only if everything that
 * it needs was seen: `encrypted` fails on any packet of pods in plaintext, sampled or not, also if the pair is otherwise
 * inconclusive, for such a packet cannot be explained away; `plaintext` fails if a pair was observed `encrypted` or `mixed`.
 */
export function judgeClaim(claim: Claim | null, tally: Tally, limits: Limits): Judged {
  const { verdict, summary } = judgePairs(claim, tally, limits);
  const { sampledOf, outside, untested } = limits;
  const sentences = [
    summary,
    ...(sampledOf === undefined ? [] : [`This is a sample: ${tally.pairs} of ${sampledOf} pairs were observed.`]),
    ...(outside.length === 0 ? [] : [`Nothing is said of ${some(outside)}: not chosen.`]),
    ...mentioned(untested, summary),
  ];
  return { verdict, summary: sentences.join(' ') };
}

function judgePairs(claim: Claim | null, tally: Tally, { untested }: Limits): Judged {
  const { pairs, against, unknown, leaksElsewhere, unexplainedElsewhere } = tally;
  if (claim === null) return { verdict: null, summary: `Without a claim: ${inNumbers(tally)}.` };
  if (against[claim].count > 0) {
    return { verdict: 'fail', summary: `The claim "${claim}" fails for ${inWords(against[claim], pairs)}.` };
  }
  const encrypted = claim === 'encrypted';
  if (encrypted && leaksElsewhere) {
    return {
      verdict: 'fail',
      summary: `The claim "encrypted" fails outside the sample: ${elsewhere(leaksElsewhere)}.`,
    };
  }
  if (pairs === 0) return { verdict: 'inconclusive', summary: 'There is no pair of nodes to observe.' };
  const whether = `Whether traffic is ${claim} cannot be said`;
  if (unknown[claim].count > 0) {
    return { verdict: 'inconclusive', summary: `${whether} for ${inWords(unknown[claim], pairs)}.` };
  }
  if (encrypted && unexplainedElsewhere) {
    return { verdict: 'inconclusive', summary: `${whether} outside the sample: ${elsewhere(unexplainedElsewhere)}.` };
  }
  const spoiling = encrypted ? untested.find(({ spoils }) => spoils) : undefined;
  if (spoiling) return { verdict: 'inconclusive', summary: `${whether}. ${spoiling.note}` };
  return { verdict: 'pass', summary: `Traffic between all ${pairs} pairs of nodes is ${claim}.` };
}

/** Returns the exit status of a verdict; without a claim nothing can fail. */
export function exitCodeOf(verdict: Verdict | null): ExitCode {
  if (verdict === 'fail') return ExitCode.claimFails;
  return verdict === 'inconclusive' ? ExitCode.inconclusive : ExitCode.done;
}

/** Says in words how many pairs there are, and the first of them with its reason. */
function inWords({ count, first }: Count, pairs: number): string {
  const share = count === pairs ? `all ${pairs}` : `${count} of ${pairs}`;
  return `${share} pairs of nodes${first ? `, first ${first.from} to ${first.to}: ${first.reason}` : ''}`;
}

function elsewhere({ count, from, to, what }: Trouble): string {
  const pair = `${from} to ${to ?? 'some node'}`;
  return count === 1 ? `${pair}, ${what}` : `for ${count} pairs of nodes, first ${pair}: ${what}`;
}

function inNumbers({ pairs, observations }: Tally): string {
  const seen = Object.entries(observations).filter(([, count]) => count > 0);
  if (pairs === 0) return 'no pairs of nodes';
  return `of ${pairs} pairs of nodes, ${seen.map(([observation, count]) => `${count} ${observation}`).join(', ')}`;
}

/** How many of the things that were not tested the summary names. */
const MENTIONED = 3;

function mentioned(untested: readonly Untested[], summary: string): string[] {
  const notes = untested.map(({ note }) => note).filter((note) => !summary.includes(note));
  const more = notes.length - MENTIONED;
  return [...notes.slice(0, MENTIONED), ...(more > 0 ? [`${more} more things were not tested.`] : [])];
}

/** How many names are written out. */
const NAMED = 5;

function some(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `${names.slice(0, NAMED).join(', ')}${more}`;
}
