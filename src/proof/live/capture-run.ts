import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CalicoNode,
  calicoNode,
  felixWireguard,
  type WireguardDevice,
  wireguardDevice,
} from '../../cni/calico/keys.ts';
import { messageOf } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import { digestFile } from '../../state/digest.ts';
import { writeWhole } from '../../state/whole-file.ts';
import { newMarkers } from '../markers.ts';
import { orderedPairs } from '../pairs.ts';
import { type Claim, RECORD_FILE, type Record } from '../record.ts';
import { DEFAULT_PAIRS, samplePairs, shuffle } from '../sample.ts';
import { type NodeFacts, nodeFacts } from './node-facts.ts';
import { podNetworks } from './pod-networks.ts';
import { startTap, type Tap, type TapEnd } from './tap.ts';
import { openProbePods, type PlannedProbe, reachFurtherPods, sendControls, sendProbes } from './traffic.ts';

/** How long the closing control packets may take to be captured, in ms; on one machine they take less than one. */
const CLOSING_MS = 3_000;

export interface CaptureRun {
  cluster: Cluster;
  shell: NodeShell;
  lab: string;
  engine: string;
  dataplane: 'kernel' | 'userspace' | null;
  /** The one namespace whose pods may carry traffic; any pod may where it is undefined. */
  podNamespace: string | undefined;
  /** Nodes that the claim is not about, and in which words: neither they nor pairs with them are looked at. */
  outside: ReadonlyMap<string, string>;
  /** How many ordered pairs to look at, more or less; where undefined, all that a run takes in its stride. */
  pairs: number | 'all' | undefined;
  expect: Claim | null;
  version: string;
  /** Texts of the workloads' own traffic that one of the taps should have seen before the window ends: for the eye, not the verdict. */
  linger: readonly string[];
  /** Where the evidence goes; made here. */
  evidence: string;
  progress: (step: string) => void;
  signal: AbortSignal;
}

/** A workload that speaks once a second has spoken within this time, in ms. */
const LINGER_MS = 2_000;

type Felix = Awaited<ReturnType<typeof felixWireguard>>;
type Control = Record['controls'][number];
type Problem = Record['problems'][number];
type Unprobed = NonNullable<Record['unprobed']>[number];
interface KnownNode extends CalicoNode {
  facts: NodeFacts;
}

/**
 * One window of evidence: taps on every node's underlay, control packets, fresh connections with markers between all pairs
 * of nodes, control packets again. It judges nothing: what it leaves in the evidence folder is judged by `judge`.
 */
export async function captureRun(run: CaptureRun): Promise<void> {
  const { cluster, shell, signal, progress } = run;
  const startedAt = new Date().toISOString();
  await mkdir(join(run.evidence, 'taps'), { recursive: true, mode: 0o700 });
  progress('Starting a capture on every node');
  const [kubeNodes, pods, felix] = await Promise.all([cluster.nodes(), cluster.pods(), felixWireguard(cluster)]);
  const all = kubeNodes.map(calicoNode);
  const calico = all.filter(({ name }) => !run.outside.has(name));
  const { sampled, chosen } = choosePairs(calico, run.pairs);
  const { nodes, unprobed } = await factsOfAll(shell, calico, chosen);
  const problems: Problem[] = [];
  const names = nodes.map(({ name }) => name);
  const seen = new Set(names);
  const { markers, planned, controls } = plan(
    (sampled ?? orderedPairs(names)).filter((pair) => pair.every((n) => seen.has(n))),
  );
  const closing = (node: string) => closingMarkers(controls, markers, node);
  const [taps, traffic, networks] = await Promise.all([
    Promise.all(
      nodes.map((node) => startTap(shell, tapPlan(run.evidence, node, [...closing(node.name), ...run.linger]))),
    ),
    openProbePods(cluster, names, pods.filter(mayCarry(run.podNamespace))),
    podNetworks(cluster, all, kubeNodes, pods),
  ]);
  problems.push(...traffic.problems);
  try {
    signal.throwIfAborted();
    const before = await devices(shell, names, felix.interface);
    problems.push(...(await sendAll(shell, nodes, controls, markers, 'open')));
    progress(`Sending marked connections between ${planned.length} pairs of nodes`);
    const [probes, furtherPods] = await Promise.all([
      sendProbes(traffic.sessions, planned, markers, signal),
      reachFurtherPods(traffic.sessions, pods.filter(mayCarry(run.podNamespace)), signal),
    ]);
    if (run.linger.length > 0) await Promise.any(taps.map((tap) => tap.saw(run.linger, LINGER_MS)));
    problems.push(...(await sendAll(shell, nodes, controls, markers, 'close')));
    progress('Waiting until every capture has seen its closing packets');
    await Promise.all(taps.map((tap) => tap.saw(closing(tap.node), CLOSING_MS)));
    const after = await devices(shell, names, felix.interface);
    const tapRecords = await Promise.all(taps.map(async (tap) => withDigest(run.evidence, await tap.stop())));
    const used = new Set([
      ...probes.flatMap(({ request, reply }) => [request, reply]),
      ...controls.flatMap(({ open, close }) => [open, close]),
    ]);
    const inUse = Object.entries(markers).filter(([id]) => used.has(id));
    const record: Record = {
      format: 2,
      lab: run.lab,
      engine: run.engine,
      dataplane: run.dataplane,
      expect: run.expect,
      startedAt,
      endedAt: new Date().toISOString(),
      runner: null,
      cluster: { name: null, server: null, caSha256: null, kubeSystemUid: null },
      encryption: calicoEncryption(felix),
      namespaces: {},
      versions: versionsOf(run.version, kubeNodes[0]?.status?.nodeInfo?.kubeletVersion, nodes),
      nodes: nodes.map((node) => nodeRecord(node, felix, before.get(node.name), after.get(node.name))),
      ...(unprobed.length > 0 ? { unprobed } : {}),
      ...(all.length > calico.length ? { outside: outsiders(all, run.outside) } : {}),
      ...(sampled ? { sample: { pairs: sampled, of: calico.length * (calico.length - 1) } } : {}),
      podNetworks: networks,
      probes,
      notTried: notTried(furtherPods),
      markers: Object.fromEntries(inUse),
      controls,
      taps: tapRecords,
      problems,
    };
    await writeWhole(join(run.evidence, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`, 0o600);
  } finally {
    await endAll(taps, traffic.sessions.values());
  }
}

/** With Calico a node's own packet to a pod of another node goes through the tunnel, and a pod's packet to a node's address does not. */
function calicoEncryption({ enabled, interface: device, port, ipv6 }: Felix): Record['encryption'] {
  const kinds = [
    ...(enabled ? [{ families: [4 as const], interface: device, port }] : []),
    ...(ipv6.enabled ? [{ families: [6 as const], interface: ipv6.interface, port: ipv6.port }] : []),
  ].map((each) => ({ kind: 'wireguard' as const, ...each }));
  return { cni: 'calico', kinds, nodeToPod: 'leak', podToNode: 'by design', overlays: [] };
}

async function withDigest(evidence: string, tap: TapEnd): Promise<Record['taps'][number]> {
  const digest = await digestFile(join(evidence, tap.file));
  return { ...tap, sha256: digest?.sha256 ?? null, size: digest?.size ?? null };
}

function notTried({ left }: { left: number }): Record['notTried'] {
  const reason = 'there were too many ways from a node to a pod for one run';
  return left > 0 ? [{ what: 'packets to further pods', count: left, reason }] : [];
}

/** Whatever happened, no capture and no session outlives the run; stopping twice does no harm. */
async function endAll(taps: readonly Tap[], sessions: Iterable<{ close(): void }>): Promise<void> {
  for (const session of sessions) session.close();
  await Promise.all(taps.map((tap) => tap.stop()));
}

/** A sample where there are too many pairs for one run, and the nodes that are in it; else all. */
function choosePairs(calico: readonly CalicoNode[], pairs: CaptureRun['pairs']) {
  const names = calico.map(({ name }) => name);
  // Each node at least once, where nobody said how many.
  const bound = pairs ?? Math.max(DEFAULT_PAIRS, names.length + 1);
  const sampled = bound === 'all' ? undefined : samplePairs(shuffle(names, randomInt), bound);
  return { sampled, chosen: new Set(sampled?.flat() ?? names) };
}

function mayCarry(namespace: string | undefined) {
  return ({ metadata }: Pod) => namespace === undefined || metadata?.namespace === namespace;
}

/** What the chosen nodes say of themselves; those that cannot be asked, and those that were not chosen, are not probed. */
async function factsOfAll(shell: NodeShell, calico: readonly CalicoNode[], chosen: ReadonlySet<string>) {
  const asked = await Promise.all(
    calico.map(async (node) => ({
      node,
      facts: chosen.has(node.name)
        ? await nodeFacts(shell, node.name, node.address)
        : { problem: 'it is not in the sample of this run' },
    })),
  );
  const nodes: KnownNode[] = [];
  const unprobed: Unprobed[] = [];
  for (const { node, facts } of asked) {
    const { name, address } = node;
    if ('problem' in facts) unprobed.push({ name, ...(address ? { address } : {}), reason: facts.problem });
    else nodes.push({ ...node, facts });
  }
  return { nodes, unprobed };
}

function outsiders(all: readonly CalicoNode[], outside: ReadonlyMap<string, string>): Unprobed[] {
  return all.flatMap(({ name, address }) => {
    const reason = outside.get(name);
    return reason === undefined ? [] : [{ name, ...(address ? { address } : {}), reason }];
  });
}

function tapPlan(evidence: string, { name, facts }: KnownNode, watchFor: readonly string[]) {
  const file = `taps/${name}.pcap`;
  return {
    node: name,
    interface: facts.interface,
    direction: 'out' as const,
    path: join(evidence, file),
    file,
    watchFor,
  };
}

/** Every ordered pair gets a connection and two control packets, with markers of their own. */
function plan(pairs: readonly [string, string][]) {
  const markers = newMarkers(pairs.length * 4);
  const ids = Object.keys(markers);
  const id = (pair: number, which: number) => ids[pair * 4 + which] ?? '';
  const planned: PlannedProbe[] = pairs.map(([from, to], i) => ({ from, to, request: id(i, 0), reply: id(i, 1) }));
  const controls: Control[] = pairs.map(([from, to], i) => ({ from, to, open: id(i, 2), close: id(i, 3) }));
  return { markers, planned, controls };
}

async function sendAll(
  shell: NodeShell,
  nodes: readonly KnownNode[],
  controls: readonly Control[],
  markers: { [id: string]: string },
  which: 'open' | 'close',
): Promise<Problem[]> {
  const addresses = new Map(nodes.map(({ name, address }) => [name, address]));
  const sent = await Promise.all(
    nodes.map(async ({ name }): Promise<Problem | undefined> => {
      const packets = controls
        .filter(({ from }) => from === name)
        .map((control) => ({ address: addresses.get(control.to) ?? '', text: markers[control[which]] ?? '' }));
      const message = await sendControls(shell, name, packets).catch((error) => messageOf(error));
      return message === undefined ? undefined : { node: name, message };
    }),
  );
  return sent.flatMap((problem) => problem ?? []);
}

function closingMarkers(controls: readonly Control[], markers: { [id: string]: string }, node: string): string[] {
  return controls.filter(({ from }) => from === node).map(({ close }) => markers[close] ?? '');
}

async function devices(
  shell: NodeShell,
  names: readonly string[],
  device: string,
): Promise<Map<string, WireguardDevice | undefined>> {
  const asked = names.map(async (name): Promise<[string, WireguardDevice | undefined]> => {
    return [name, await wireguardDevice(shell, name, device)];
  });
  return new Map(await Promise.all(asked));
}

function nodeRecord(
  { name, address, facts, publicKey }: KnownNode,
  felix: { interface: string; port: number },
  before: WireguardDevice | undefined,
  after: WireguardDevice | undefined,
): Record['nodes'][number] {
  const device = after ?? before;
  const peersOf = (from: WireguardDevice | undefined) =>
    (from?.peers ?? []).map(({ publicKey: key, latestHandshake, rx, tx }) => ({
      publicKey: key,
      latestHandshake,
      rx,
      tx,
    }));
  const wireguard =
    device || publicKey
      ? {
          interface: felix.interface,
          publicKey: publicKey ?? null,
          deviceKey: device?.publicKey || null,
          listenPort: device?.listenPort || felix.port,
          mtu: device?.mtu || null,
          peers: before && after ? { before: peersOf(before), after: peersOf(after) } : null,
        }
      : null;
  return { name, address, underlayInterface: facts.interface, macAddress: facts.macAddress, wireguard };
}

function versionsOf(wglab: string, kubelet: string | undefined, nodes: readonly KnownNode[]) {
  return {
    wglab,
    kubernetes: kubelet ?? null,
    ...Object.fromEntries(nodes.map(({ name, facts }) => [`kernel on ${name}`, facts.kernel])),
    ...Object.fromEntries(nodes.map(({ name, facts }) => [`tcpdump on ${name}`, facts.tcpdump])),
  };
}
