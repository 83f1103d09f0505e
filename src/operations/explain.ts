import { calicoNode } from '../cni/calico/keys.ts';
import { CILIUM_API, type CiliumNodeObject, keyedNode, readCiliumNode } from '../cni/cilium/cilium-node.ts';
import type { KeyedNode } from '../cni/cilium/keys/keyring.ts';
import { Failure, labFailure, messageOf, usageFailure } from '../errors.ts';
import { Cluster } from '../kube/cluster.ts';
import { describePacket } from '../proof/describe.ts';
import { openBytes } from '../state/byte-source.ts';
import { listLabStates } from '../state/lab-state.ts';
import { readCaptureFile } from '../wire/capture-file.ts';
import { CaptureError } from '../wire/capture-format.ts';
import { decodeFrame } from '../wire/decode.ts';
import { Chooser, type Chosen, type Wanted } from '../wire/explain/choose.ts';
import { explainFrame } from '../wire/explain/explain.ts';
import type { ExplainedPacket, Knowledge, KnownKey } from '../wire/explain/explained.ts';
import { captureFrames, timeText } from './capture.ts';
import { readEspKeys } from './explain-esp.ts';
import { readKeys, readPrivateKeys } from './explain-keys.ts';
import { type StandingLab, standingLab } from './labs.ts';

export interface ExplainRequest {
  /** Capture files; none for a packet from the lab's wire. `-` is standard input. */
  files: readonly string[];
  /** Which packet of each file; one for all if there is only one; the one that shows most if there is none. */
  packets: readonly Wanted[];
  lab?: string;
  /** Capture there alone. */
  node?: string;
  /** Files with public keys, or name=base64. */
  keys: readonly string[];
  /** Files with Cilium's Secret for IPsec. */
  espSecrets: readonly string[];
  /** Files with nodes' WireGuard private keys. */
  privateKeys: readonly string[];
  /** How long to wait for a packet on the wire. */
  waitSeconds: number;
}

/** One packet, taken apart. */
export interface Explained {
  /** The file, or the node where it was captured. */
  source: string;
  /** Counted from 1. */
  packet: number;
  /** ISO 8601, UTC. */
  time: string;
  /** On the wire, in bytes. */
  length: number;
  /** Why this packet was chosen; empty if it was asked for by its number. */
  why: string;
  description: string;
  explained: ExplainedPacket;
}

export interface ExplainListener {
  step(text: string): void;
  info(text: string): void;
}

/** Explains a packet of each file, or one from the wire of a lab. Throws a usage failure for what is no capture. */
export async function explain(
  request: ExplainRequest,
  listener: ExplainListener,
  signal: AbortSignal,
): Promise<Explained[]> {
  const given = await readKeys(request.keys);
  if (request.files.length === 0) {
    const lab = await standingLab(request.lab);
    const known = await labKnowledge(lab);
    return [await live(lab, request, await complete(known, given, request, signal), listener, signal)];
  }
  const known = await complete(await knowledgeOf(request.lab, listener), given, request, signal);
  const explained: Explained[] = [];
  for (const [i, file] of request.files.entries()) {
    const wanted = request.packets.length > 1 ? request.packets[i] : request.packets[0];
    explained.push(await fromFile(file, wanted, known, listener, signal));
  }
  return explained;
}

type CaptureKnowledge = Omit<Knowledge, 'sessions'>;

interface LabKnowledge extends Pick<Knowledge, 'names' | 'keys'> {
  ciliumNodes: readonly KeyedNode[];
}

/** The lab's knowledge, and what the command line adds. */
async function complete(
  { names, keys, ciliumNodes }: LabKnowledge,
  given: readonly KnownKey[],
  { espSecrets, privateKeys: files }: ExplainRequest,
  signal: AbortSignal,
): Promise<CaptureKnowledge> {
  const [espKeys, privateKeys] = await Promise.all([
    readEspKeys(espSecrets, ciliumNodes, signal),
    readPrivateKeys(files),
  ]);
  return { names, keys: [...given, ...keys], privateKeys, ...(espKeys ? { espKeys } : {}) };
}

async function fromFile(
  file: string,
  wanted: Wanted,
  known: CaptureKnowledge,
  listener: ExplainListener,
  signal: AbortSignal,
): Promise<Explained> {
  const chooser = new Chooser(wanted, known.espKeys);
  const capture = readCaptureFile(file, (path) => openBytes(path, signal));
  try {
    for await (const frames of capture) for (const frame of frames) chooser.look(frame);
  } catch (error) {
    if (error instanceof CaptureError) {
      // Packets before the break are good; without any of them there is nothing to explain.
      if (!chooser.chosen)
        throw usageFailure(`${file}: ${error.message}`, {
          remedy: 'tcpdump -w, wglab capture -w and Wireshark write such files',
        });
      listener.info(`${file} is broken after packet ${chooser.seen}: ${error.message}`);
    } else throw error instanceof Failure ? error : usageFailure(`cannot read ${file}: ${messageOf(error)}`);
  }
  if (capture.truncated) listener.info(`${file} ends within a packet: whoever wrote it was stopped`);
  const { chosen } = chooser;
  if (chosen) return explained(file, chosen, { ...known, sessions: chooser.sessions });
  if (chooser.seen === 0) throw usageFailure(`${file} holds no packet`);
  const there = `it has ${chooser.seen} packets`;
  throw usageFailure(
    typeof wanted === 'number'
      ? `there is no packet ${wanted} in ${file}: ${there}`
      : `no packet of ${file} is of the kind "${wanted}": ${there}`,
  );
}

/** How much longer to wait for a packet that shows more than a good one: pods ask each other about once a second. */
const BETTER_MS = 2_000;

/** Captures until a packet carries data, or the time is over; then takes the most telling one. */
async function live(
  lab: StandingLab,
  { node, packets, waitSeconds }: ExplainRequest,
  known: CaptureKnowledge,
  listener: ExplainListener,
  signal: AbortSignal,
): Promise<Explained> {
  const [wanted] = packets;
  let soon: NodeJS.Timeout | undefined;
  const chooser = new Chooser(wanted, known.espKeys);
  let where = '';
  const enough = new AbortController();
  const over = AbortSignal.any([signal, enough.signal, AbortSignal.timeout(waitSeconds * 1000)]);
  listener.step(`Waiting for a packet on the wire, for at most ${waitSeconds} s`);
  await captureFrames(
    lab,
    node,
    (from, frame) => {
      if (chooser.found) return;
      const before = chooser.chosen;
      chooser.look(frame);
      if (chooser.chosen?.number !== before?.number) where = from;
      if (chooser.found) enough.abort();
      else if (chooser.promising) soon ??= setTimeout(() => enough.abort(), BETTER_MS);
    },
    over,
  ).finally(() => clearTimeout(soon));
  signal.throwIfAborted();
  if (chooser.chosen) return explained(where, chooser.chosen, { ...known, sessions: chooser.sessions });
  const kind = wanted === undefined ? 'no packet' : `no packet of the kind "${wanted}"`;
  throw labFailure(`${kind} was on the wire within ${waitSeconds} s (${chooser.seen} were seen)`, {
    remedy: 'Send something from a pod to one on another node, and try again; --wait for a longer time.',
  });
}

function explained(source: string, { frame, number, why }: Chosen, knowledge: Knowledge): Explained {
  return {
    source,
    packet: number,
    time: timeText(frame.time),
    length: frame.originalLength,
    why,
    description: describePacket(decodeFrame(frame)),
    explained: explainFrame(frame, knowledge),
  };
}

const NOTHING: LabKnowledge = { names: new Map(), keys: [], ciliumNodes: [] };

/** Returns the lab's addresses and keys, for a file that may be from it. If there are none, the packet itself says enough. */
async function knowledgeOf(name: string | undefined, { info }: ExplainListener): Promise<LabKnowledge> {
  if (name === undefined && (await listLabStates()).length !== 1) return NOTHING;
  try {
    return await labKnowledge(await standingLab(name));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    info(`names and keys of the lab are not known: ${error.message}`);
    return NOTHING;
  }
}

async function labKnowledge(lab: StandingLab): Promise<LabKnowledge> {
  const cluster = Cluster.connect(lab.access.kubeconfig);
  const [nodes, pods, ciliumNodes] = await Promise.all([cluster.nodes(), cluster.pods(), ciliumNodesOf(cluster)]);
  const published = nodes.map(calicoNode);
  const names = new Map<string, string>();
  for (const { metadata, spec, status } of pods) {
    if (spec?.hostNetwork) continue; // it has the node's address
    for (const { ip } of status?.podIPs ?? [{ ip: status?.podIP }]) if (ip) names.set(ip, metadata?.name ?? '');
  }
  for (const { name, address, vxlanAddress, wireguardAddress } of published) {
    for (const own of [address, vxlanAddress, wireguardAddress]) if (own) names.set(own, name);
  }
  const keys = published.flatMap(({ name, publicKey }) =>
    publicKey ? [{ name, key: Buffer.from(publicKey, 'base64') }] : [],
  );
  return { names, keys, ciliumNodes };
}

async function ciliumNodesOf(cluster: Cluster): Promise<KeyedNode[]> {
  if (!(await cluster.serves(CILIUM_API, 'CiliumNode'))) return [];
  const { items } = await cluster.list<CiliumNodeObject>(CILIUM_API, 'CiliumNode');
  return items.map((item) => keyedNode(readCiliumNode(item)));
}
