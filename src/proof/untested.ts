import type { CiphertextAccounts } from './ciphertext-account.ts';
import type { Cluster } from './cluster.ts';
import type { Claim, Record } from './record.ts';

/** Something that pods have and the run did not test, or tested without seeing it on the wire. */
export interface Untested {
  /** One sentence. */
  readonly note: string;
  /** True if nothing can be claimed about all traffic while this is untested; else the verdict only mentions it. */
  readonly spoils: boolean;
}

/** Pods that are in no probe, each from each node that sent to it: how many there were, and how many were recognised in ciphertext. */
export interface FurtherPods {
  readonly ways: number;
  readonly recognised: number;
}

/** Returns the traffic that the claim is about and the run did not test. */
export function untested(
  cluster: Cluster,
  ciphertext: CiphertextAccounts,
  claim: Claim | null,
): { untested: Untested[]; furtherPods: FurtherPods } {
  const { record } = cluster;
  const { lost, ...furtherPods } = furtherPodsOf(record, ciphertext);
  const inCiphertext = claim === 'plaintext' ? [] : [...largePackets(record, ciphertext), ...lost];
  return { untested: [...untriedFamilies(record), ...notTried(record), ...inCiphertext], furtherPods };
}

/** Returns further pods whose packets were not seen: a way past the tunnel for one pod shows only in packets to that pod. */
function furtherPodsOf(
  { furtherPods = [] }: Record,
  ciphertext: CiphertextAccounts,
): FurtherPods & { lost: Untested[] } {
  const lost: Untested[] = [];
  for (const { from, to, pod, family, sent, reason } of furtherPods) {
    const name = `${pod.namespace}/${pod.name}`;
    const { all } = ciphertext.of(from, to).recognised;
    if ([...all].some((each) => each.pod === name && each.family === family)) continue;
    const note = `Not tested: IPv${family} from ${from} to the pod ${name} on ${to}: ${why(sent, reason)}.`;
    lost.push({ note, spoils: true });
  }
  return { ways: furtherPods.length, recognised: furtherPods.length - lost.length, lost };
}

/** Returns packets above the MTU that neither arrived nor are in the ciphertext. */
function largePackets({ fingerprints = [] }: Record, ciphertext: CiphertextAccounts): Untested[] {
  const pairs = new Map(fingerprints.map(({ from, to }) => [`${from} to ${to}`, [from, to] as const]));
  const lost = [...pairs].flatMap(([name, [from, to]]) =>
    [...ciphertext.of(from, to).recognised.withoutLarge].map(
      ({ protocol, family }) => `${protocol.toUpperCase()} over IPv${family} from ${name}`,
    ),
  );
  const [first] = lost;
  if (!first) return [];
  const more = lost.length > 1 ? ` (and ${lost.length - 1} more)` : '';
  return [{ note: `Not tested: packets larger than the MTU, of ${first}${more}: they did not arrive.`, spoils: false }];
}

function why(sent: number, reason: string | undefined): string {
  if (sent === 0) return reason ?? 'nothing was sent';
  return 'what was sent there is not in the ciphertext';
}

/** Returns families that were not tried: an encryption may be on for one family alone. */
function untriedFamilies(record: Record): Untested[] {
  const had = new Set(record.podNetworks.flatMap(({ cidr, node }) => (node === null ? [] : familyOf(cidr))));
  const tried = new Set([
    ...record.probes.flatMap(({ delivered, fromPod }) => (delivered ? familyOf(fromPod.address) : [])),
    ...(record.fingerprints ?? []).flatMap(({ received, family }) => (received ? (`IPv${family}` as const) : [])),
  ]);
  if (tried.size === 0) return [];
  return [...had]
    .filter((family) => !tried.has(family))
    .map((family) => ({
      note: `Pods have ${family} addresses, and no connection over ${family} was tested.`,
      spoils: true,
    }));
}

function familyOf(address: string): 'IPv6' | 'IPv4' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/**
 * Returns what the record lists as not tried: unsent packets are only mentioned, but sent packets that were never seen may have left
 * by another way.
 */
function notTried({ notTried: list = [] }: Record): Untested[] {
  return list.map(({ what, reason, from, to, pod, count, sent }) => {
    const ends = from === undefined ? '' : ` from ${from}${to === undefined ? '' : ` to ${to}`}`;
    const target = pod ? ` to the pod ${pod.namespace}/${pod.name}` : '';
    const times = count === undefined ? '' : `, ${count} times`;
    return { note: `Not tried: ${what}${ends}${target}${times}: ${reason}.`, spoils: sent === true };
  });
}
