import type { Record } from './record.ts';

/** Something that pods have and the run did not test, or tested without seeing it on the wire. */
export interface Untested {
  /** One sentence. */
  readonly note: string;
  /** Nothing can be claimed of all traffic while it is not tested; else the verdict only mentions it. */
  readonly spoils: boolean;
}

/** Returns what a run did not test of what the claim is about. */
export function untested(record: Record): Untested[] {
  return [...untriedFamilies(record), ...notTried(record)];
}

/** An encryption may be on for one family alone. */
function untriedFamilies(record: Record): Untested[] {
  const had = new Set(record.podNetworks.flatMap(({ cidr, node }) => (node === null ? [] : familyOf(cidr))));
  const tried = new Set(
    record.probes.flatMap(({ delivered, fromPod }) => (delivered ? familyOf(fromPod.address) : [])),
  );
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

/** What was not sent is only mentioned; but what was sent and never seen may have left by another way. */
function notTried({ notTried: list = [] }: Record): Untested[] {
  return list.map(({ what, reason, from, to, pod, count, sent }) => {
    const ends = from === undefined ? '' : ` from ${from}${to === undefined ? '' : ` to ${to}`}`;
    const target = pod ? ` to the pod ${pod.namespace}/${pod.name}` : '';
    const times = count === undefined ? '' : `, ${count} times`;
    return { note: `Not tried: ${what}${ends}${target}${times}: ${reason}.`, spoils: sent === true };
  });
}
