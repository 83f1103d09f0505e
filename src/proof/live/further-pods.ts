import { randomInt } from 'node:crypto';
import type { Pod } from '../../kube/objects.ts';
import { drawSizes } from '../fingerprint.ts';
import type { Record } from '../record.ts';
import { shuffle } from '../sample.ts';
import { addressesOf, type ProbePod } from './probe-pod.ts';
import { AT_ONCE, eachOf } from './traffic.ts';

type FurtherPod = NonNullable<Record['furtherPods']>[number];
type NotTried = NonNullable<Record['notTried']>[number];

/** How many ways from a node to a further pod a run tries, from all nodes together: each is some ten milliseconds. */
const WAYS = 200;
/** How many packets each further pod gets. */
const PACKETS = 8;
/** The discard service: no answer is expected. */
const DISCARD = 9;

/**
 * Sends a sequence of packets for each pair of nodes from the probe pod of the one to every pod of the other that is in no probe, over
 * each family: a way past the tunnel for one pod shows only in packets to that pod. If there are too many ways, it tries some
 * at random, and names the others as not tried.
 */
export async function reachFurtherPods(
  sessions: ReadonlyMap<string, ProbePod>,
  pairs: readonly { from: string; to: string }[],
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<{ furtherPods: FurtherPod[]; notTried: NotTried[] }> {
  const probing = new Set([...sessions.values()].map(({ namespace, name }) => `${namespace}/${name}`));
  const further = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = pod.spec?.nodeName ?? '';
    if (hasNetwork(pod) && !probing.has(nameOf(pod))) further.set(node, [...(further.get(node) ?? []), pod]);
  }
  const ways = pairs.flatMap(({ from, to }) => {
    const session = sessions.get(from);
    if (!session) return [];
    return (further.get(to) ?? []).flatMap((pod) =>
      [...addressesOf(pod)]
        .filter(([family]) => session.addresses.has(family))
        .map(([family, address]) => ({ session, pod, family, address })),
    );
  });
  const chosen = shuffle(ways, randomInt);
  const furtherPods = await eachOf(chosen.slice(0, WAYS), AT_ONCE, async ({ session, pod, family, address }, i) => {
    signal.throwIfAborted();
    const { sizes, choices } = drawSizes('udp', PACKETS, new Set(), randomInt);
    const port = udpPortOf(pod);
    const began = performance.now();
    const { sent, reason } = await session.datagrams(`r${i}`, family, address, port, 0, sizes);
    return {
      from: session.node,
      to: pod.spec?.nodeName ?? '',
      pod: { name: pod.metadata?.name ?? '', namespace: pod.metadata?.namespace ?? '', address },
      family,
      protocol: 'udp' as const,
      port,
      sizes,
      choices,
      spanMs: Math.ceil(performance.now() - began),
      sent,
      ...(reason ? { reason } : {}),
    };
  });
  const tooMany = chosen.slice(WAYS).map(({ session, pod }) => ({
    what: 'packets to a further pod',
    reason: 'there are too many ways from a node to a pod for one run',
    from: session.node,
    to: pod.spec?.nodeName ?? '',
    pod: { name: pod.metadata?.name ?? '', namespace: pod.metadata?.namespace ?? '' },
  }));
  return { furtherPods, notTried: tooMany };
}

/** Returns whether a pod has an address of its own on some node, ready or not. */
function hasNetwork({ metadata, spec, status }: Pod): boolean {
  const over = status?.phase === 'Succeeded' || status?.phase === 'Failed' || metadata?.deletionTimestamp;
  return Boolean(status?.podIP && spec?.nodeName && !spec.hostNetwork && !over);
}

/** Returns the port on which the pod receives datagrams: a policy may allow only that one. */
function udpPortOf({ spec }: Pod): number {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.find(({ protocol }) => protocol === 'UDP')?.containerPort ?? DISCARD;
}

function nameOf({ metadata }: Pod): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
