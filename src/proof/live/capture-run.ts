import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { calicoNode } from '../../cni/calico/keys.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import { digestFile } from '../../state/digest.ts';
import { writeWhole } from '../../state/whole-file.ts';
import { orderedPairs } from '../pairs.ts';
import { type Claim, RECORD_FILE, type Record } from '../record.ts';
import { ControlPackets } from './control-packets.ts';
import { encryptionFacts } from './encryption-facts.ts';
import type { Devices } from './encryption-source.ts';
import { reachFurtherPods } from './further-pods.ts';
import { clusterIdentity, runnerOf } from './identity.ts';
import { choosePairs, factsOfAll, type KnownNode, outsiders } from './node-choice.ts';
import { NodeSession, type TapEnd } from './node-session.ts';
import { messagesFor, planTraffic } from './plan.ts';
import { podNetworks } from './pod-networks.ts';
import type { ProbePod } from './probe-pod.ts';
import { openProbePods } from './probe-pods.ts';
import { routesOf } from './routes.ts';
import { sendProbes } from './traffic.ts';

export interface CaptureRun {
  cluster: Cluster;
  shell: NodeShell;
  lab: string;
  engine: string;
  dataplane: 'kernel' | 'userspace' | null;
  /** The one namespace whose pods may open and take connections; any pod may if it is undefined. */
  podNamespace: string | undefined;
  /** Nodes that the claim is not about, and the reason: neither they nor pairs with them are probed. */
  outside: ReadonlyMap<string, string>;
  /** How many ordered pairs to probe, more or less; if undefined, all that one run can take. */
  pairs: number | 'all' | undefined;
  expect: Claim | null;
  version: string;
  /**
   * Texts of the workloads' own traffic that one of the taps should see before the window ends: for people to look at, not for the
   * verdict.
   */
  linger: readonly string[];
  /** Whether to capture on every node as a busy one needs it, and to send longer sequences. */
  busy?: boolean;
  /** The folder of the evidence; made here. */
  evidence: string;
  progress: (step: string) => void;
  signal: AbortSignal;
}

/** A workload that sends once a second has sent within this time, in ms. */
const LINGER_MS = 2_000;
/** A network with this many packets a second is busy. */
const BUSY_RATE = 10_000;

type Problem = Record['problems'][number];

/**
 * One window of evidence: taps on every node's underlay, control packets, fresh traffic with markers and fingerprints between all
 * pairs of nodes, control packets again. It judges nothing: `judge` reads the evidence folder later.
 */
export async function captureRun(run: CaptureRun): Promise<void> {
  const { cluster, shell, signal } = run;
  const steps: NonNullable<Record['steps']> = [];
  const progress = (what: string) => {
    steps.push({ at: new Date().toISOString(), what });
    run.progress(what);
  };
  const startedAt = new Date().toISOString();
  await mkdir(join(run.evidence, 'taps'), { recursive: true, mode: 0o700 });
  progress('Starting a capture on every node');
  const [kubeNodes, pods] = await Promise.all([cluster.nodes(), cluster.pods()]);
  const encryption = await encryptionFacts(cluster, shell, kubeNodes);
  const all = kubeNodes.map(calicoNode);
  const claimed = all.filter(({ name }) => !run.outside.has(name));
  const { sampled, chosen } = choosePairs(claimed, run.pairs);
  const mayCarry = ({ metadata }: Pod) => run.podNamespace === undefined || metadata?.namespace === run.podNamespace;
  const opening = openProbePods(cluster, [...chosen], pods.filter(mayCarry));
  const mapping = podNetworks(cluster, all, kubeNodes, pods);
  const opened = new Map<string, NodeSession>();
  let starting: Promise<void>[] = [];
  const probing = new Map<string, ProbePod>();
  try {
    const { nodes, unprobed } = await factsOfAll(shell, claimed, chosen);
    const before = new Map<string, Devices>();
    starting = nodes.map(async (node) => {
      opened.set(node.name, await NodeSession.start(shell, tapPlan(run, node)));
      // Asked after the tap started, so that a later handshake is captured.
      before.set(node.name, await encryption.devicesOf(node.name));
    });
    const [traffic, networks] = await Promise.all([opening, mapping, ...starting]);
    const sessions = nodes.flatMap(({ name }) => opened.get(name) ?? []);
    const known = new Set(nodes.map(({ name }) => name));
    for (const [name, pod] of traffic.sessions) {
      if (known.has(name)) probing.set(name, pod);
      else pod.close();
    }
    signal.throwIfAborted();
    const rate = Math.max(run.busy ? BUSY_RATE : 0, ...sessions.map((session) => session.packetsPerSecond));
    const plan = planTraffic(
      (sampled ?? orderedPairs([...known])).filter((pair) => pair.every((name) => known.has(name))),
      (from, to) => familiesOf(probing.get(from), probing.get(to)),
      messagesFor(rate),
      randomInt,
    );
    const problems: Problem[] = traffic.problems.filter(({ node }) => node === null || known.has(node));
    const controls = new ControlPackets(sessions, nodes, plan);
    problems.push(...(await controls.open()));
    progress(`Sending marked connections between ${plan.controls.length} pairs of nodes`);
    const [sent, further] = await Promise.all([
      sendProbes(probing, plan.probes, plan.markers, signal),
      reachFurtherPods(probing, plan.controls, pods, signal),
    ]);
    if (run.linger.length > 0) {
      await Promise.any(sessions.map((session) => seen(session.saw(run.linger, 1, LINGER_MS)))).catch(() => undefined);
    }
    problems.push(...(await controls.close()));
    progress('Waiting until every capture has seen its closing packets');
    const after = new Map<string, Devices>();
    const [routes, identity] = await Promise.all([
      routesOf(sessions, probing, plan.probes),
      clusterIdentity(cluster, namespacesOf(probing)),
      controls.closed(),
      ...nodes.map(async ({ name }) => after.set(name, await encryption.devicesOf(name))),
    ]);
    const taps = await Promise.all(sessions.map(async (session) => withDigest(run.evidence, await session.stop())));
    const used = new Set([
      ...sent.probes.flatMap(({ request, reply }) => [request, reply]),
      ...plan.controls.flatMap(({ open, close }) => [open, close]),
    ]);
    const byName = new Map(kubeNodes.map((node) => [node.metadata?.name ?? '', node]));
    const record: Record = {
      format: 2,
      lab: run.lab,
      engine: run.engine,
      dataplane: run.dataplane,
      expect: run.expect,
      startedAt,
      endedAt: new Date().toISOString(),
      runner: runnerOf(),
      ...identity,
      encryption: encryption.encryption,
      versions: versionsOf(run.version, kubeNodes[0]?.status?.nodeInfo?.kubeletVersion, nodes),
      nodes: nodes.map((node) => ({
        name: node.name,
        address: node.address,
        underlayInterface: node.facts.interface,
        macAddress: node.facts.macAddress,
        ...encryption.recordOf(node, byName.get(node.name), before.get(node.name), after.get(node.name)),
      })),
      ...(unprobed.length > 0 ? { unprobed } : {}),
      ...(all.length > claimed.length ? { outside: outsiders(all, run.outside) } : {}),
      ...(sampled ? { sample: { pairs: sampled, of: claimed.length * (claimed.length - 1) } } : {}),
      podNetworks: networks,
      probes: sent.probes,
      fingerprints: sent.fingerprints,
      furtherPods: further.furtherPods,
      notTried: [...notAnswered(sent.fingerprints), ...further.notTried],
      routes,
      markers: Object.fromEntries(Object.entries(plan.markers).filter(([id]) => used.has(id))),
      controls: plan.controls,
      taps,
      steps,
      problems,
    };
    await writeWhole(join(run.evidence, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`, 0o600);
  } finally {
    // However the run ends, no session outlives it, whether it was open yet or not.
    await Promise.allSettled(starting);
    for (const session of opened.values()) session.close();
    for (const pod of probing.values()) pod.close();
    await opening
      .then(({ sessions: pods }) => [...pods.values()].forEach((pod) => void pod.close()))
      .catch(() => undefined);
    await mapping.catch(() => undefined);
  }
}

function tapPlan({ evidence, busy }: CaptureRun, { name, facts }: KnownNode) {
  const file = `taps/${name}.pcap`;
  const { interface: device, packets, at } = facts;
  const how = busy ? ('yes' as const) : ('auto' as const);
  return { node: name, interface: device, busy: how, packets, at, path: join(evidence, file), file };
}

/** The families that both pods have. */
function familiesOf(from: ProbePod | undefined, to: ProbePod | undefined): (4 | 6)[] {
  return ([4, 6] as const).filter((family) => from?.addresses.has(family) && to?.addresses.has(family));
}

/** Rejects if a tap did not see it. */
async function seen(saw: Promise<boolean>): Promise<void> {
  if (!(await saw)) throw new Error('not seen');
}

/** Returns the kinds of traffic that got no answer: a policy may forbid them. */
function notAnswered(fingerprints: NonNullable<Record['fingerprints']>): NonNullable<Record['notTried']> {
  return fingerprints.flatMap(({ from, to, family, protocol, received, reason }) =>
    received === 0 && reason !== undefined ? [{ what: `${KINDS[protocol]} over IPv${family}`, reason, from, to }] : [],
  );
}

const KINDS = { tcp: 'TCP', udp: 'UDP', icmp: 'ICMP echo' } as const;

async function withDigest(evidence: string, tap: TapEnd): Promise<Record['taps'][number]> {
  const digest = await digestFile(join(evidence, tap.file));
  return { ...tap, sha256: digest?.sha256 ?? null, size: digest?.size ?? null };
}

function namespacesOf(pods: ReadonlyMap<string, ProbePod>): string[] {
  return [...new Set([...pods.values()].map(({ namespace }) => namespace))].sort();
}

function versionsOf(wglab: string, kubelet: string | undefined, nodes: readonly KnownNode[]) {
  return {
    wglab,
    kubernetes: kubelet ?? null,
    ...Object.fromEntries(nodes.map(({ name, facts }) => [`kernel on ${name}`, facts.kernel])),
    ...Object.fromEntries(nodes.map(({ name, facts }) => [`tcpdump on ${name}`, facts.tcpdump])),
  };
}
