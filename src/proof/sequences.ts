import {
  CHANCE,
  type Expected,
  findFingerprints,
  LARGE,
  type Rule,
  refusalOf,
  type WireMessage,
} from './fingerprint.ts';
import type { Record } from './record.ts';

/** A sequence of packets from a pod on one node to a pod on another, which the proof recognises on the wire by its lengths. */
export interface Sequence {
  /** `own`: sent between the two probe pods; `reply`: the answers to it, the other way; `further`: to a pod that is in no probe. */
  readonly kind: 'own' | 'reply' | 'further';
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly family: 4 | 6;
  /** The pod of a `further` sequence: `namespace/name`. */
  readonly pod: string | undefined;
  /** The lengths that were sent. */
  readonly sizes: readonly number[];
  readonly choices: number;
  readonly spanMs: number;
  /** The MTU of the pod's interface. */
  readonly mtu: number | undefined;
  /** True if the far end did not report the packet that is larger than the MTU. */
  readonly largeLost: boolean;
  /** True if the far end reports that something arrived, or if it could not report. */
  readonly arrived: boolean;
}

/** Used if a record does not say how long the sending took: no window is longer. */
const WHOLE_WINDOW_MS = 600_000;
/** Used if a record does not say how many lengths there were to draw from: about this many sizes are distinct in a tunnel. */
const CHOICES = 50;

/** Arranges the sequences of a record by the pairs of nodes that they pass between. */
export function sequencesOf({ fingerprints = [], furtherPods = [] }: Record): Map<string, Sequence[]> {
  const byPair = new Map<string, Sequence[]>();
  const enter = (from: string, to: string, sequence: Sequence) => {
    if (sequence.sizes.length === 0) return;
    const key = `${from}\0${to}`;
    const list = byPair.get(key) ?? [];
    byPair.set(key, list);
    list.push(sequence);
  };
  for (const each of fingerprints) {
    const arrived = each.received === undefined || each.received > 0;
    const own = { ...sequence('own', each, each.sizes.slice(0, each.sent), arrived), largeLost: isLargeLost(each) };
    enter(each.from, each.to, own);
    if (each.replies) enter(each.to, each.from, { ...own, kind: 'reply', sizes: each.replies });
  }
  for (const each of furtherPods) {
    const pod = `${each.pod.namespace}/${each.pod.name}`;
    enter(each.from, each.to, { ...sequence('further', each, each.sizes.slice(0, each.sent), true), pod });
  }
  return byPair;
}

/**
 * Returns whether the far end did not report the packet that is larger than the MTU. A pod that was made before encryption keeps an MTU
 * that is larger than the tunnel's, and what is between the two is lost once.
 */
function isLargeLost({ sizes, sent, received }: NonNullable<Record['fingerprints']>[number]): boolean {
  return received !== undefined && received < sent && sizes.slice(0, sent).some((size) => size >= LARGE);
}

function sequence(
  kind: Sequence['kind'],
  {
    protocol,
    family,
    choices,
    spanMs,
    mtu,
  }: NonNullable<Record['furtherPods']>[number] | NonNullable<Record['fingerprints']>[number],
  sizes: readonly number[],
  arrived: boolean,
): Sequence {
  return {
    kind,
    protocol,
    family,
    pod: undefined,
    sizes,
    choices: choices ?? CHOICES,
    spanMs: spanMs ?? WHOLE_WINDOW_MS,
    mtu,
    largeLost: false,
    arrived,
  };
}

/**
 * A sequence counts only if other traffic would show one like it with less than this probability; and those of a pair only if it
 * would show all of them with less than `CHANCE`.
 */
const CHANCE_OF_ONE = 1e-6;

/** The sequences that are in the ciphertext, and those of them whose packet above the MTU is not. */
export interface Recognised {
  readonly all: ReadonlySet<Sequence>;
  readonly withoutLarge: ReadonlySet<Sequence>;
}

/**
 * Searches for sequences among the messages of an encryption, whose device has the MTU `mtu`; `answered` are those of the other
 * direction.
 */
export function recognise(
  sequences: readonly Sequence[],
  messages: readonly WireMessage[],
  rules: readonly Rule[],
  mtu: number | null,
  answered: readonly Sequence[] = [],
): Recognised {
  const answers = answered.flatMap(({ protocol, sizes, family }) =>
    protocol === 'udp' ? sizes.map((size) => refusalOf(size, family)) : [],
  );
  const whole = found(sequences, messages, rules, mtu, answers);
  const rest = sequences.filter((each) => each.largeLost && !whole.has(each));
  const shortened = new Map(rest.map((each) => [{ ...each, sizes: each.sizes.filter((size) => size < LARGE) }, each]));
  const others = sequences.filter((each) => !rest.includes(each));
  const again = shortened.size > 0 ? found([...shortened.keys(), ...others], messages, rules, mtu, answers) : new Map();
  const chances = new Map(whole);
  const withoutLarge = new Set<Sequence>();
  for (const [short, sequence] of shortened) {
    const chance = again.get(short);
    if (chance === undefined) continue;
    chances.set(sequence, chance);
    withoutLarge.add(sequence);
  }
  const ofPair = [...chances].filter(([{ kind }]) => kind !== 'further');
  const likely = ofPair.reduce((product, [, chance]) => product * chance, 1) >= CHANCE;
  const all = [...chances.keys()].filter(({ kind }) => kind === 'further' || !likely);
  return { all: new Set(all), withoutLarge };
}

/** Returns the sequences that were found, each with the chance that other traffic would show one like it. */
function found(
  sequences: readonly Sequence[],
  messages: readonly WireMessage[],
  rules: readonly Rule[],
  mtu: number | null,
  answers: readonly number[],
): Map<Sequence, number> {
  const expected = sequences.map(
    ({ kind, sizes, family, choices, spanMs, mtu: podMtu }): Expected => ({
      sizes,
      family,
      choices,
      spanMs,
      apart: kind !== 'further',
      mtus: [podMtu, mtu ?? undefined].filter((each) => each !== undefined),
    }),
  );
  const chances = new Map<Sequence, number>();
  for (const [i, sought] of findFingerprints(expected, messages, rules, answers).entries()) {
    const sequence = sequences[i];
    if (sequence && sought.found && sought.chance < CHANCE_OF_ONE) chances.set(sequence, sought.chance);
  }
  return chances;
}
