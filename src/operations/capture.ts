import { labFailure, usageFailure } from '../errors.ts';
import { Cluster } from '../kube/cluster.ts';
import type { RemoteProcess } from '../process/remote-process.ts';
import { describePacket } from '../proof/describe.ts';
import { secretLines } from '../proof/excerpt.ts';
import { nodeFacts } from '../proof/live/node-facts.ts';
import { startCapture } from '../proof/live/tap.ts';
import type { Pattern } from '../text/pattern.ts';
import { CaptureReader } from '../wire/capture-file.ts';
import { decodeFrame } from '../wire/decode.ts';
import type { Frame } from '../wire/packet.ts';
import type { StandingLab } from './labs.ts';

/** A packet on the wire, for a person to look at. */
export interface WatchedPacket {
  /** ISO 8601, UTC, to the microsecond. */
  time: string;
  node: string;
  length: number;
  description: string;
  encrypted: boolean;
  /** Lines of readable text in it that hold a secret, or what was searched for. */
  secrets: string[];
}

export interface CaptureRequest {
  node?: string;
  grep?: Pattern;
  /** End after this many packets. */
  count?: number;
}

/** A capture on one node, as raw pcap, of that many packets if there is a `count`. */
export async function captureRaw(lab: StandingLab, node: string, count?: number): Promise<RemoteProcess> {
  const [plan, second] = await plansFor(lab, node);
  if (!plan) throw usageFailure(`"${node}" has no link to capture on`);
  if (second) {
    const remedy = `Choose one: wglab exec ${node} -- tcpdump -i ${second.interface} -w - > ${node}.pcap`;
    throw usageFailure(`"${node}" has more links than one, and a file is of one`, { remedy });
  }
  return startCapture(lab.access.shell, plan, count);
}

/** Shows every packet that leaves a node, or that passes the one node asked for, until it is enough or `signal` says stop. */
export async function watchWire(
  lab: StandingLab,
  { node, grep, count = Number.POSITIVE_INFINITY }: CaptureRequest,
  show: (packet: WatchedPacket, frame: Frame) => void,
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  let shown = 0;
  await captureFrames(
    lab,
    node,
    (from, frame) => {
      const packet = shown < count ? watched(from, frame, grep) : undefined;
      if (!packet) return;
      show(packet, frame);
      shown += 1;
      if (shown >= count) enough.abort();
    },
    AbortSignal.any([signal, enough.signal]),
  );
  signal.throwIfAborted();
}

/** How long taps may take to stop once they are asked to, in ms. */
const STOP_MS = 5_000;

/** Passes every frame that leaves a node, or that passes the one node asked for, to `look`, until `signal` aborts; then it returns. */
export async function captureFrames(
  lab: StandingLab,
  node: string | undefined,
  look: (node: string, frame: Frame) => void,
  signal: AbortSignal,
): Promise<void> {
  const plans = await plansFor(lab, node);
  const captures: RemoteProcess[] = [];
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    for (const capture of captures) capture.stdin.end();
    // A node that does not answer any more holds up nobody: what was captured there is known.
    timer ??= setTimeout(() => captures.forEach((capture) => void capture.kill()), STOP_MS);
  };
  signal.addEventListener('abort', stop);
  try {
    const ends = plans.map(async (plan) => {
      const capture = await startCapture(lab.access.shell, plan);
      captures.push(capture);
      if (signal.aborted) stop();
      let printed = '';
      capture.stderr.on('data', (chunk: Buffer) => {
        printed = (printed + chunk.toString()).slice(-2048);
      });
      const reader = new CaptureReader();
      try {
        for await (const chunk of capture.stdout) {
          for (const frame of reader.push(chunk as Buffer)) look(plan.node, frame);
        }
        const status = await capture.exited;
        if (status !== 0) throw labFailure(`the capture on ${plan.node} ended`, { detail: printed.trim() });
      } catch (error) {
        if (!signal.aborted) throw error; // whoever wanted no more does not ask how it ended
      }
    });
    await Promise.all(ends);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    for (const capture of captures) capture.kill();
  }
}

type Plan = Parameters<typeof startCapture>[1];

async function plansFor(lab: StandingLab, only: string | undefined): Promise<Plan[]> {
  const hosts = lab.state.linux ?? [];
  const host = hosts.find(({ name }) => name === only);
  if (host) return host.interfaces.map((name) => ({ node: host.name, interface: name, direction: 'both' }));
  const nodes = await Cluster.connect(lab.access.kubeconfig).nodes();
  const names = nodes.map(({ metadata }) => metadata?.name ?? '');
  if (only !== undefined && !names.includes(only)) {
    throw usageFailure(`there is no node "${only}"`, {
      remedy: `The nodes are ${[...names, ...hosts.map(({ name }) => name)].join(', ')}.`,
    });
  }
  const chosen = nodes.filter(({ metadata }) => only === undefined || metadata?.name === only);
  return Promise.all(
    chosen.map(async ({ metadata, status }): Promise<Plan> => {
      const node = metadata?.name ?? '';
      const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
      const facts = await nodeFacts(lab.access.shell, node, address);
      if ('problem' in facts) throw labFailure(`${node}: ${facts.problem}`);
      // With all nodes, each packet is shown once: where it leaves.
      return { node, interface: facts.interface, direction: only === undefined ? 'out' : 'both' };
    }),
  );
}

function watched(node: string, frame: Frame, grep: Pattern | undefined): WatchedPacket | undefined {
  const packet = decodeFrame(frame);
  const secrets = grep ? matchingLines(frame.bytes, grep) : secretLines(frame.bytes, []);
  if (grep && secrets.length === 0) return undefined;
  return {
    time: timeText(frame.time),
    node,
    length: frame.originalLength,
    description: describePacket(packet),
    encrypted: packet.layers.some(({ kind }) => kind === 'wireguard' || kind === 'esp'),
    secrets,
  };
}

function matchingLines(bytes: Uint8Array, grep: Pattern): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return text.split(/[^\x20-\x7e]+/).filter((line) => grep.isIn(line));
}

/** Milliseconds since 1970, with fractions, to the microsecond. */
export function timeText(time: number): string {
  const seconds = new Date(time).toISOString().slice(0, 19);
  return `${seconds}.${String(Math.floor((time % 1000) * 1000)).padStart(6, '0')}Z`;
}
