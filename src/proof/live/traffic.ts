import { randomInt } from 'node:crypto';
import { rounds } from '../pairs.ts';
import type { ProbeRecord } from '../record.ts';
import type { PlannedProbe } from './plan.ts';
import type { ProbePod } from './probe-pod.ts';
import { type Fingerprint, runProbe } from './probe-run.ts';

/** The results of the probes: the connections with their markers, and the sequences that the proof can recognise. */
export interface SentTraffic {
  probes: ProbeRecord[];
  fingerprints: Fingerprint[];
}

/**
 * How many ordered pairs are probed at a time. Each is some thirty short processes: if all nodes are on one machine, more of
 * them would only wait for a processor until they are too late.
 */
export const AT_ONCE = 12;

/** Sends what is planned for every ordered pair of nodes that has two pods, both directions of a pair in parallel. */
export async function sendProbes(
  sessions: ReadonlyMap<string, ProbePod>,
  planned: readonly PlannedProbe[],
  markers: { [id: string]: string },
  signal: AbortSignal,
): Promise<SentTraffic> {
  const byPair = new Map<string, PlannedProbe[]>();
  for (const probe of planned) {
    const pair = `${probe.from} ${probe.to}`;
    byPair.set(pair, [...(byPair.get(pair) ?? []), probe]);
  }
  const firstPort = randomInt(20_000, 28_000); // below the ports that kernels give to outgoing connections
  const datagrams = new Map<ProbePod, Promise<unknown>>();
  const probes = rounds([...sessions.keys()].sort())
    .flat()
    .flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`])
    .flatMap((pair) => byPair.get(pair) ?? []);
  const sent = await eachOf(probes, AT_ONCE, (probe, i) => {
    signal.throwIfAborted();
    const client = sessions.get(probe.from) as ProbePod;
    const server = sessions.get(probe.to) as ProbePod;
    // The kernel counts all answers to a pod's datagrams together: one sequence of a pod after the other.
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const done = (datagrams.get(client) ?? Promise.resolve()).then(work);
      datagrams.set(client, done);
      return done;
    };
    return runProbe({ client, server, probe, port: firstPort + 2 * i, markers, inTurn });
  });
  return {
    probes: sent.flatMap(({ connection }) => connection ?? []),
    fingerprints: sent.flatMap(({ fingerprints }) => fingerprints),
  };
}

/** Returns the results of `work` for all items, in their order, with at most `atOnce` under way. Rejects with the first that does. */
export async function eachOf<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [i, item] of waiting) results[i] = await work(item, i);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
