import { CHANCE, type Expected, findFingerprints, type Rule, type WireMessage } from './fingerprint.ts';
import type { Record } from './record.ts';

/** A sequence of packets from a pod on one node to a pod on another, which is to be recognised on the wire by its lengths. */
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
  /** Of the pod's interface. */
  readonly mtu: number | undefined;
  /** The far end reports that something arrived, or nobody there could say. */
  readonly arrived: boolean;
}

/** If a record does not say how long the sending took: no window is longer. */
const WHOLE_WINDOW_MS = 600_000;
/** If a record does not say how many lengths there were to draw from: about so many sizes are distinct in a tunnel. */
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
    const own = sequence('own', each, each.sizes.slice(0, each.sent), arrived);
    enter(each.from, each.to, own);
    if (each.replies) enter(each.to, each.from, { ...own, kind: 'reply', sizes: each.replies });
  }
  for (const each of furtherPods) {
    const pod = `${each.pod.namespace}/${each.pod.name}`;
    enter(each.from, each.to, { ...sequence('further', each, each.sizes.slice(0, each.sent), true), pod });
  }
  return byPair;
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
    arrived,
  };
}

/** Returns which of some sequences are among the messages of an encryption, whose device has the MTU `mtu`. */
export function recognise(
  sequences: readonly Sequence[],
  messages: readonly WireMessage[],
  rules: readonly Rule[],
  mtu: number | null,
): Set<Sequence> {
  const expected = sequences.map(
    ({ sizes, family, choices, spanMs, mtu: podMtu }): Expected => ({
      sizes,
      family,
      choices,
      spanMs,
      mtus: [podMtu, mtu ?? undefined].filter((each) => each !== undefined),
    }),
  );
  const found = findFingerprints(expected, messages, rules);
  return new Set(sequences.filter((_, i) => isRecognised(found[i])));
}

function isRecognised(sought: ReturnType<typeof findFingerprints>[number] | undefined): boolean {
  return sought?.found === true && sought.chance < CHANCE;
}
