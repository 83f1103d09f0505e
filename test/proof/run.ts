import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerClass } from '../../src/proof/accounts.ts';
import { judge } from '../../src/proof/judge.ts';
import { newMarkers } from '../../src/proof/markers.ts';
import { orderedPairs } from '../../src/proof/pairs.ts';
import type { Claim, NodeRecord, ProbeRecord, Record, TapRecord } from '../../src/proof/record.ts';
import type { VerifyResult } from '../../src/proof/result.ts';
import * as packets from './packets.ts';

/** A run as it would have been recorded: what the tests then spoil. */
export interface Run {
  record: Record;
  /** The frames that each node's tap captured. */
  taps: Map<string, Buffer[]>;
}

/** Puts a packet of pods on the wire of the node that sends it: the frames that leave. */
export type Transport = (run: Run, from: NodeRecord, to: NodeRecord, inner: Buffer) => Buffer[];

export interface RunOptions {
  nodes?: number;
  expect?: Claim | null;
  transport?: (from: string, to: string) => Transport;
  /** The first handshakes happen in the window; else there were sessions before. */
  handshakes?: boolean;
  sessions?: Map<string, { index: number; counter: number; bytes: number }>;
}

export const LISTEN_PORT = 51820;
const SYN = 0x02;
const ACK = 0x10;

/** A run in which everything went well. Its transport is WireGuard if none is given. */
export function makeRun({
  nodes: size = 3,
  expect = 'encrypted',
  handshakes = true,
  transport,
  sessions = new Map(),
}: RunOptions = {}): Run {
  const nodes = Array.from({ length: size }, (_, i) => makeNode(i + 1));
  const pairs = orderedPairs(nodes.map((n) => n.name));
  const ids = pairs.flatMap(([from, to]) =>
    ['request', 'reply', 'open', 'close'].map((kind) => `${kind} ${from} ${to}`),
  );
  const values = Object.values(newMarkers(ids.length));
  const record: Record = {
    format: 2,
    lab: 'synthetic',
    engine: 'embedded',
    dataplane: 'kernel',
    expect,
    startedAt: '2026-11-20T19:00:00.000Z',
    endedAt: '2026-11-20T19:00:01.000Z',
    runner: null,
    cluster: { name: null, server: null, caSha256: null, kubeSystemUid: null },
    encryption: {
      cni: 'calico',
      kinds: [{ kind: 'wireguard', families: [4], interface: 'wireguard.cali', port: LISTEN_PORT }],
      nodeToPod: 'leak',
      podToNode: 'by design',
      overlays: [],
    },
    namespaces: {},
    versions: { tcpdump: '4.99.3' },
    nodes,
    podNetworks: [
      { cidr: '192.168.0.0/16', node: null },
      ...nodes.map((n, i) => ({ cidr: `192.168.${i + 1}.0/26`, node: n.name })),
    ],
    probes: pairs.map(([from, to]) => makeProbe(nodes, from, to)),
    markers: Object.fromEntries(ids.map((id, i) => [id, values[i] ?? ''])),
    controls: pairs.map(([from, to]) => ({ from, to, open: `open ${from} ${to}`, close: `close ${from} ${to}` })),
    taps: nodes.map((n) => makeTap(n.name)),
    problems: [],
  };
  const run: Run = {
    record,
    taps: new Map(nodes.map((n) => [n.name, [packets.arp(n.macAddress, n.address, '172.18.0.1')]])),
  };
  const wireguard = wireguardTransport(sessions);
  const way = transport ?? (() => wireguard);
  for (const [from, to] of pairs) sendControl(run, from, to, 'open');
  if (handshakes) for (const [from, to] of pairs) if (from < to) handshake(run, sessions, from, to);
  for (const probe of record.probes) {
    for (const { from, to, inner } of conversation(run, probe)) send(run, way(from, to), from, to, inner);
  }
  for (const [from, to] of pairs) sendControl(run, from, to, 'close');
  countPeers(run, sessions, handshakes);
  return run;
}

/** Encrypts as WireGuard does, in the session of the two nodes. */
export function wireguardTransport(sessions: NonNullable<RunOptions['sessions']> = new Map()): Transport {
  return (_run, from, to, inner) => {
    const session = sessions.get(`${from.name} ${to.name}`) ?? {
      index: randomBytes(4).readUInt32LE(),
      counter: 7000,
      bytes: 0,
    };
    sessions.set(`${from.name} ${to.name}`, session);
    const message = packets.wireguardData(session.index, session.counter, inner.length);
    session.counter += 1;
    session.bytes += message.length;
    return [between(from, to, 17, packets.udp(LISTEN_PORT, LISTEN_PORT, message))];
  };
}

/** Carries the packet as plaintext, as Calico's VXLAN does. */
export const vxlanTransport: Transport = (_run, from, to, inner) => [vxlanOn(4789, from, to, inner)];

export function vxlanOn(port: number, from: NodeRecord, to: NodeRecord, inner: Buffer): Buffer {
  const innerFrame = packets.frameOf('66:00:00:00:00:01', '66:00:00:00:00:02', inner);
  return between(from, to, 17, packets.udp(40_000, port, packets.vxlan(4096, innerFrame)));
}

/** Carries the packet as plaintext, without any encapsulation. */
export const directTransport: Transport = (_run, from, to, inner) => [
  packets.frameOf(from.macAddress, to.macAddress, inner),
];

export const ipipTransport: Transport = (_run, from, to, inner) => [between(from, to, 4, inner)];

/** Adds IPv6 addresses to the pods of a run. */
export function addIpv6({ record }: Run): void {
  for (const [i, { name }] of record.nodes.entries()) {
    record.podNetworks.push({ cidr: `fd00:10:244:${i + 1}::/64`, node: name });
  }
}

/** A packet from one node's address to the other's. */
export function between(from: NodeRecord, to: NodeRecord, protocol: number, payload: Buffer): Buffer {
  return packets.frameOf(from.macAddress, to.macAddress, packets.ipv4(from.address, to.address, protocol, payload));
}

/** Inserts a test's own frames where they belong: after the traffic and before the close controls. */
export function inject(run: Run, node: string, ...frames: Buffer[]): void {
  const tap = tapOf(run, node);
  tap.splice(tap.length - (run.record.nodes.length - 1), 0, ...frames);
}

export function tapOf(run: Run, node: string): Buffer[] {
  const tap = run.taps.get(node);
  if (!tap) throw new Error(`no tap on ${node}`);
  return tap;
}

export function nodeOf(run: Run, name: string): NodeRecord {
  const node = run.record.nodes.find((n) => n.name === name);
  if (!node) throw new Error(`no node ${name}`);
  return node;
}

export function probeOf(run: Run, from: string, to: string): ProbeRecord {
  const probe = run.record.probes.find((p) => p.from === from && p.to === to);
  if (!probe) throw new Error(`no probe from ${from} to ${to}`);
  return probe;
}

export function tapRecordOf(run: Run, node: string): TapRecord {
  const tap = run.record.taps.find((t) => t.node === node);
  if (!tap) throw new Error(`no tap on ${node}`);
  return tap;
}

export function marker(run: Run, id: string): Buffer {
  const value = run.record.markers[id];
  if (value === undefined) throw new Error(`no marker ${id}`);
  return Buffer.from(value);
}

/** The packets of a probe's connection, without any encapsulation, with where they go. */
export function conversation(run: Run, probe: ProbeRecord): { from: string; to: string; inner: Buffer }[] {
  const request = message(run, probe.request, probe.sentBytes);
  const reply = message(run, probe.reply, probe.repliedBytes);
  const there = (sequence: number, flags: number, data: Buffer = Buffer.alloc(0)) =>
    podPacket(probe, true, sequence, flags, data);
  const back = (sequence: number, flags: number, data: Buffer = Buffer.alloc(0)) =>
    podPacket(probe, false, sequence, flags, data);
  return [
    there(1000, SYN),
    back(9000, SYN | ACK),
    there(1001, ACK),
    ...segments(request).map(({ at, data }) => there(1001 + at, ACK, data)),
    ...segments(reply).map(({ at, data }) => back(9001 + at, ACK, data)),
    there(1001 + request.length, ACK),
  ];
}

/** One TCP segment of a probe's connection. */
export function podPacket(probe: ProbeRecord, request: boolean, sequence: number, flags: number, data: Buffer) {
  const [from, to] = request ? [probe.from, probe.to] : [probe.to, probe.from];
  const [source, destination] = request ? [probe.fromPod, probe.toPod] : [probe.toPod, probe.fromPod];
  const [sport, dport] = request ? [45_000, probe.port] : [probe.port, 45_000];
  const segment = packets.tcp(sport, dport, sequence, flags, data);
  return { from, to, inner: packets.ipv4(source.address, destination.address, 6, segment) };
}

/** Returns the observations of one pair. */
export function pairOf(result: VerifyResult, from: string, to: string): VerifyResult['pairs'][number] {
  const pair = result.pairs.find((p) => p.from === from && p.to === to);
  if (!pair) throw new Error(`no pair ${from} ${to}`);
  return pair;
}

/** How many packets the ledger has in a class. */
export function packetsOf(result: VerifyResult, kind: LedgerClass): number {
  return result.classes.find((each) => each.class === kind)?.packets ?? 0;
}

export interface JudgeOptions extends packets.PcapOptions {
  expect?: Claim | null;
  /** The content of a node's file, in place of its frames. */
  files?: { [node: string]: Buffer | null };
}

/** Writes a run down as an evidence folder, judges it, and takes the folder away. */
export async function judgeRun(
  run: Run,
  { expect, files = {}, ...pcapOptions }: JudgeOptions = {},
): Promise<VerifyResult> {
  const folder = await mkdtemp(join(tmpdir(), 'wglab-evidence-'));
  try {
    await mkdir(join(folder, 'taps'));
    for (const [node, frames] of run.taps) {
      const bytes = files[node] === undefined ? packets.pcap(frames, pcapOptions) : files[node];
      if (bytes) await writeFile(join(folder, 'taps', `${node}.pcap`), bytes);
    }
    const taps = run.record.taps.map((tap) => ({ ...tap, packetsCaptured: captured(run, tap) }));
    await writeFile(join(folder, 'record.json'), JSON.stringify({ ...run.record, taps }));
    return await judge(folder, expect === undefined ? {} : { expect });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `COUNT_LATER` stands for as many packets as there are when the run is written down. */
export const COUNT_LATER = 999_999_999;

function captured(run: Run, tap: TapRecord): number | null {
  return tap.packetsCaptured === COUNT_LATER ? tapOf(run, tap.node).length : tap.packetsCaptured;
}

function makeNode(number: number): NodeRecord {
  const key = randomBytes(32).toString('base64');
  return {
    name: `n${number}`,
    address: `172.18.0.${number + 1}`,
    underlayInterface: 'eth0',
    macAddress: `02:42:ac:12:00:${(number + 1).toString(16).padStart(2, '0')}`,
    wireguard: {
      interface: 'wireguard.cali',
      publicKey: key,
      deviceKey: key,
      listenPort: LISTEN_PORT,
      mtu: 1440,
      peers: null,
    },
  };
}

function makeProbe(nodes: NodeRecord[], from: string, to: string): ProbeRecord {
  const pod = (name: string) => {
    const number = nodes.findIndex((n) => n.name === name) + 1;
    return { name: `probe-${number}`, namespace: 'wglab', address: `192.168.${number}.10` };
  };
  return {
    from,
    to,
    fromPod: pod(from),
    toPod: pod(to),
    port: 8080,
    request: `request ${from} ${to}`,
    reply: `reply ${from} ${to}`,
    sentBytes: 3000,
    repliedBytes: 2000,
    delivered: true,
  };
}

function makeTap(node: string): TapRecord {
  return {
    node,
    interface: 'eth0',
    direction: 'out',
    file: `taps/${node}.pcap`,
    sha256: null,
    size: null,
    startedAt: '2026-11-20T19:00:00.000Z',
    stoppedAt: '2026-11-20T19:00:01.000Z',
    exit: 'stopped',
    stderr: '',
    packetsCaptured: COUNT_LATER,
    packetsReceived: null,
    droppedByKernel: 0,
  };
}

function message(run: Run, id: string, length: number): Buffer {
  const head = `Authorization: Bearer ${marker(run, id)}\r\n`;
  return Buffer.from(
    head +
      randomBytes(length)
        .toString('hex')
        .slice(0, length - head.length),
  );
}

function segments(data: Buffer): { at: number; data: Buffer }[] {
  const size = 1360;
  return Array.from({ length: Math.ceil(data.length / size) }, (_, i) => ({
    at: i * size,
    data: data.subarray(i * size, (i + 1) * size),
  }));
}

function send(run: Run, transport: Transport, from: string, to: string, inner: Buffer): void {
  tapOf(run, from).push(...transport(run, nodeOf(run, from), nodeOf(run, to), inner));
}

function sendControl(run: Run, from: string, to: string, kind: 'open' | 'close'): void {
  const packet = packets.udp(40_001, 9999, marker(run, `${kind} ${from} ${to}`));
  tapOf(run, from).push(between(nodeOf(run, from), nodeOf(run, to), 17, packet));
}

/** The index that a node announces is the one that packets to it carry. */
function handshake(run: Run, sessions: NonNullable<RunOptions['sessions']>, from: string, to: string): void {
  const [a, b] = [nodeOf(run, from), nodeOf(run, to)];
  const [mine, yours] = [randomBytes(4).readUInt32LE(), randomBytes(4).readUInt32LE()];
  const initiation = packets.wireguardInitiation(mine, keyOf(b));
  const response = packets.wireguardResponse(yours, mine, keyOf(a));
  tapOf(run, from).push(between(a, b, 17, packets.udp(LISTEN_PORT, LISTEN_PORT, initiation)));
  tapOf(run, to).push(between(b, a, 17, packets.udp(LISTEN_PORT, LISTEN_PORT, response)));
  sessions.set(`${from} ${to}`, { index: yours, counter: 0, bytes: initiation.length });
  sessions.set(`${to} ${from}`, { index: mine, counter: 0, bytes: response.length });
}

export function keyOf(node: NodeRecord): Buffer {
  return Buffer.from(node.wireguard?.publicKey ?? '', 'base64');
}

function countPeers(run: Run, sessions: NonNullable<RunOptions['sessions']>, handshakes: boolean): void {
  for (const node of run.record.nodes) {
    const peers = run.record.nodes.filter((n) => n !== node);
    const count = (peer: NodeRecord, when: 0 | 1) => ({
      publicKey: peer.wireguard?.publicKey ?? '',
      latestHandshake: handshakes && when === 0 ? 0 : 1_700_000_000,
      tx: 1000 + when * (sessions.get(`${node.name} ${peer.name}`)?.bytes ?? 0),
      rx: 1000 + when * (sessions.get(`${peer.name} ${node.name}`)?.bytes ?? 0),
    });
    if (!node.wireguard) continue;
    node.wireguard.peers = { before: peers.map((p) => count(p, 0)), after: peers.map((p) => count(p, 1)) };
  }
}
