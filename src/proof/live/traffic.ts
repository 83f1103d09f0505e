import { randomInt } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import { finish } from '../../process/node-shell.ts';
import { rounds } from '../pairs.ts';
import type { ProbeRecord, Record } from '../record.ts';
import { shuffle } from '../sample.ts';
import { candidates, type Heard, MESSAGE_BYTES, ProbePod } from './probe-pod.ts';
import { within } from './tap.ts';

type Problem = Record['problems'][number];

/** Opens a session in one pod of each node; a node without one is told as a problem, in words. */
export async function openProbePods(cluster: Cluster, nodes: readonly string[], pods: readonly Pod[]) {
  const byNode = candidates(pods);
  const sessions = new Map<string, ProbePod>();
  const problems: Problem[] = [];
  await Promise.all(
    nodes.map(async (node) => {
      const reasons: string[] = [];
      for (const pod of byNode.get(node) ?? []) {
        try {
          sessions.set(node, await ProbePod.open(cluster, pod));
          return;
        } catch (error) {
          reasons.push(`${pod.metadata?.namespace}/${pod.metadata?.name}: ${messageOf(error)}`);
        }
      }
      const message =
        reasons.length > 0 ? `no pod that can carry traffic (${reasons.join('; ')})` : 'no ready pod runs on it';
      problems.push({ node, message });
    }),
  );
  return { sessions, problems };
}

/** A connection that is to be made: both markers by their ids. */
export interface PlannedProbe {
  from: string;
  to: string;
  request: string;
  reply: string;
}

/**
 * How many connections are made at a time. Each is about a dozen short processes: where all nodes are on one machine, more of
 * them only wait for a processor, until they come too late.
 */
const AT_ONCE = 12;

/** Makes a fresh connection for every ordered pair of nodes that has two pods, both directions of a pair side by side. */
export async function sendProbes(
  sessions: Map<string, ProbePod>,
  planned: readonly PlannedProbe[],
  markers: { [id: string]: string },
  signal: AbortSignal,
): Promise<ProbeRecord[]> {
  const byPair = new Map(planned.map((probe) => [`${probe.from} ${probe.to}`, probe]));
  const firstPort = randomInt(20_000, 28_000); // below the ports that kernels give to outgoing connections
  const probes = rounds([...sessions.keys()].sort())
    .flat()
    .flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`])
    .flatMap((pair) => byPair.get(pair) ?? []);
  return eachOf(probes, AT_ONCE, (probe, i) => {
    signal.throwIfAborted();
    return sendProbe(sessions, probe, firstPort + i, markers);
  });
}

/** How many further pods are sent to in one run, from all nodes together: some 3 ms each. */
const FURTHER = 300;

/**
 * Sends a packet from each node's probe pod to every further pod of the other nodes: what leads past the tunnel for one pod alone
 * shows in packets to that pod alone. Of too many, some are chosen by lot; gives how many were sent to, and how many were left.
 */
export async function reachFurtherPods(sessions: Map<string, ProbePod>, pods: readonly Pod[], signal: AbortSignal) {
  const probing = new Set([...sessions.values()].map(({ address }) => address));
  const further = [...candidates(pods).values()].flat().filter(({ status }) => !probing.has(status?.podIP ?? ''));
  const ways = [...sessions.values()].flatMap((session) =>
    further.filter(({ spec }) => spec?.nodeName !== session.node).map((pod) => ({ session, pod })),
  );
  const chosen = shuffle(ways, randomInt).slice(0, FURTHER);
  await eachOf(chosen, AT_ONCE, ({ session, pod }, i) => {
    signal.throwIfAborted();
    return session.reach(`r${i}`, pod.status?.podIP ?? '');
  });
  return { reached: chosen.length, left: ways.length - chosen.length };
}

/** The results of `work` for all items, in their order; no more than `atOnce` are under way. Rejects with the first that does. */
async function eachOf<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [i, item] of left) results[i] = await work(item, i);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/** How long after the client's end of a connection the server's may come, in ms. */
const LATE_MS = 1_000;

async function sendProbe(
  sessions: Map<string, ProbePod>,
  probe: PlannedProbe,
  port: number,
  markers: { [id: string]: string },
): Promise<ProbeRecord> {
  const client = sessions.get(probe.from) as ProbePod;
  const server = sessions.get(probe.to) as ProbePod;
  const request = markers[probe.request] ?? '';
  const reply = markers[probe.reply] ?? '';
  const { heard: atServer } = await server.listen(`s${port}`, port, reply);
  const answered = await client.connect(`c${port}`, server.address, port, request);
  const unanswered = whyNot('the answer', answered, reply);
  // Where the client gave up, the server has heard what it will ever hear: no use in waiting until it gives up too.
  const asked = await (unanswered === undefined ? atServer : within(LATE_MS, atServer, undefined));
  const reason = whyNot('the request', asked, request) ?? unanswered;
  const pod = ({ name, namespace, address }: ProbePod) => ({ name, namespace, address });
  return {
    ...probe,
    port,
    fromPod: pod(client),
    toPod: pod(server),
    sentBytes: reason ? 0 : MESSAGE_BYTES,
    repliedBytes: reason ? 0 : MESSAGE_BYTES,
    delivered: reason === undefined,
    ...(reason ? { reason } : {}),
  };
}

function whyNot(what: string, heard: Heard | undefined, marker: string): string | undefined {
  if (heard?.marker === marker && heard.bytes >= MESSAGE_BYTES - 1) return undefined;
  return heard?.marker ? `${what} did not arrive whole` : `${what} did not arrive`;
}

/** bash opens UDP itself, so that no node needs a tool for it; addresses and texts come as lines, never as code. */
const SEND_DATAGRAMS = 'while read -r address port text; do printf %s "$text" > "/dev/udp/$address/$port"; done';
/** The discard service: nobody answers there, and nobody needs to. */
const CONTROL_PORT = 9;

/** Sends control packets from one node: in clear, on purpose, from its own address to the other nodes'. */
export async function sendControls(
  shell: NodeShell,
  node: string,
  packets: readonly { address: string; text: string }[],
) {
  const lines = packets.map(({ address, text }) => `${address} ${CONTROL_PORT} ${text}\n`).join('');
  const { status, stderr } = await finish(await shell(node, ['bash', '-c', SEND_DATAGRAMS]), lines);
  return status === 0 ? undefined : `control packets could not be sent: ${stderr.trim() || `exit status ${status}`}`;
}
