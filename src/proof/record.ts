import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { usageFailure } from '../errors.ts';
import { parseCidr, parseIp } from '../wire/addresses.ts';
import { MARKER_LENGTH } from './markers.ts';

/** The name of the record in an evidence folder; the captures lie in `taps/` next to it. */
export const RECORD_FILE = 'record.json';

const name = z.string().min(1);
const count = z.number().int().nonnegative();
const address = z.string().refine((text) => parseIp(text) !== undefined, 'is not an IP address');
const cidr = z.string().refine((text) => parseCidr(text) !== undefined, 'is not a block of addresses');
const macAddress = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'is not a MAC address in lower case');
const wireguardKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'is not a WireGuard key in base64');

/** One peer as `wg show INTERFACE dump` says: seconds since 1970 of the latest handshake (0: none yet), bytes. */
const peer = z.strictObject({ publicKey: wireguardKey, latestHandshake: count, rx: count, tx: count });

const wireguard = z.strictObject({
  interface: name,
  /** As the node publishes it (an annotation with Calico); null where it publishes none. */
  publicKey: wireguardKey.nullable(),
  /** As the device says; null where it could not be asked. */
  deviceKey: wireguardKey.nullable(),
  listenPort: z.number().int().min(1).max(65535),
  mtu: z.number().int().positive().nullable(),
  /**
   * What the device knew of its peers. `before` is read when both taps are running, so that a handshake after it is
   * captured, and before the open controls; `after` once the close controls were sent. Null where it could not be asked.
   */
  peers: z.strictObject({ before: z.array(peer), after: z.array(peer) }).nullable(),
});

const node = z.strictObject({
  name,
  /** The node's address on the underlay. */
  address,
  /** Further underlay addresses, of either family. */
  otherAddresses: z.array(address).optional(),
  underlayInterface: name,
  macAddress,
  wireguard: wireguard.nullable(),
});

/** Addresses of pods: a pool (node null), or a block, tunnel address or borrowed address of one node. The longest prefix wins. */
const podNetwork = z.strictObject({ cidr, node: name.nullable() });

const pod = z.strictObject({ name, namespace: name, address });

/**
 * One fresh TCP connection from a pod on `from` to a pod on `to`. The request carried the marker `request` and padding,
 * the answer the marker `reply`. `delivered` only where each end says that it got the other's marker.
 */
const probe = z.strictObject({
  from: name,
  to: name,
  fromPod: pod,
  toPod: pod,
  port: z.number().int().min(1).max(65535),
  request: name,
  reply: name,
  sentBytes: count,
  repliedBytes: count,
  delivered: z.boolean(),
  reason: z.string().optional(),
});

/** A node of the cluster from which nothing could be seen, and why. */
const unprobed = z.strictObject({ name, address: address.optional(), reason: z.string().min(1) });

/** The ordered pairs that were looked at, where there were too many for all of them; `of` is how many there are. */
const sample = z.strictObject({ pairs: z.array(z.tuple([name, name])).min(1), of: count });

/** UDP packets sent in clear on purpose, between the underlay addresses: `open` before the traffic of the run, `close` after it. */
const control = z.strictObject({ from: name, to: name, open: name, close: name });

const tap = z.strictObject({
  node: name,
  interface: name,
  /** Relative to the evidence folder. */
  file: z.string().regex(/^taps\/[^/\\\0]+$/, 'is not a file in taps/'),
  /** Which packets it was to capture; `out` where not said. */
  direction: z.enum(['out', 'both']).optional(),
  startedAt: z.string(),
  /** `stopped`: it ran until it was told to stop, and ended properly. */
  exit: z.enum(['stopped', 'died', 'killed', 'not started']),
  stderr: z.string(),
  /** What tcpdump counted; null where it did not say. */
  packetsCaptured: count.nullable(),
  packetsReceived: count.nullable(),
  droppedByKernel: count.nullable(),
});

/** Something that spoils the run on one node, or (null) as a whole; no pair that it touches is called encrypted. */
const problem = z.strictObject({ node: name.nullable(), message: z.string().min(1) });

const recordSchema = z
  .strictObject({
    format: z.literal(1),
    lab: name,
    engine: name,
    dataplane: z.enum(['kernel', 'userspace']).nullable(),
    expect: z.enum(['encrypted', 'plaintext']).nullable(),
    startedAt: z.string(),
    versions: z.record(z.string(), z.string().nullable()),
    /** All nodes that were looked at: an address of a pod on a node that is missing here, in `unprobed` and in `outside` belongs to nobody. */
    nodes: z.array(node),
    /** All other nodes of the cluster that the claim is about; pairs with them are inconclusive. */
    unprobed: z.array(unprobed).optional(),
    /** Nodes that were left out on purpose: no pair with them is judged. */
    outside: z.array(unprobed).optional(),
    /** Missing where all pairs were looked at. */
    sample: sample.optional(),
    podNetworks: z.array(podNetwork),
    serviceCidr: cidr.optional(),
    probes: z.array(probe),
    /** Ways from a node to a pod that is in no probe: how many had a packet sent, and how many were too many. */
    furtherPods: z.strictObject({ reached: count, left: count }).optional(),
    markers: z.record(
      z.string(),
      z
        .string()
        .regex(/^[\x21-\x7e]+$/)
        .min(MARKER_LENGTH)
        .max(255),
    ),
    controls: z.array(control),
    taps: z.array(tap),
    problems: z.array(problem),
  })
  .superRefine((record, context) => {
    for (const contradiction of contradictions(record)) context.addIssue({ code: 'custom', ...contradiction });
  });

/** Everything about one verification run that is needed to compute its verdict again without the lab, but for the captures. */
export type Record = z.infer<typeof recordSchema>;
export type NodeRecord = Record['nodes'][number];
export type ProbeRecord = Record['probes'][number];
export type TapRecord = Record['taps'][number];
export type Claim = 'encrypted' | 'plaintext';

/** Reads `record.json` of an evidence folder. Throws a usage Failure where there is none or it is not as it must be. */
export async function readRecord(evidence: string): Promise<Record> {
  const path = join(evidence, RECORD_FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw usageFailure(`${evidence} is no evidence folder: ${RECORD_FILE} cannot be read in it.`, {
      remedy: 'Name a folder that wglab verify left behind.',
      cause,
    });
  });
  return parseRecord(text, path);
}

/** Reads the text of a record. `path` is for the message. Throws a usage Failure that names every field that is wrong. */
export function parseRecord(text: string, path = RECORD_FILE): Record {
  const result = recordSchema.safeParse(parseJson(text, path));
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.') || 'the record'}: ${issue.message}`);
  throw usageFailure(`${path} is not a record of a verification.`, { detail: faults.join('\n') });
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw usageFailure(`${path} is not a record of a verification: it is not JSON.`, { cause });
  }
}

interface Contradiction {
  path: (string | number)[];
  message: string;
}

/** What a schema cannot say: names that must be known or unique, and deliveries that cannot be. */
function contradictions(record: z.infer<z.ZodObject<typeof recordSchema.shape>>): Contradiction[] {
  const nodes = new Set(record.nodes.map((n) => n.name));
  const others = record.unprobed ?? [];
  const known = new Set([...nodes, ...others.map((n) => n.name)]);
  const unknownNode = (path: (string | number)[], node: string) =>
    nodes.has(node) ? [] : [{ path, message: `there is no node "${node}"` }];
  const unknownMarker = (path: (string | number)[], id: string) =>
    Object.hasOwn(record.markers, id) ? [] : [{ path, message: `there is no marker "${id}"` }];
  const ends = (list: 'probes' | 'controls') =>
    record[list].flatMap(({ from, to }, i) => [
      ...unknownNode([list, i, 'from'], from),
      ...unknownNode([list, i, 'to'], to),
      ...(from === to ? [{ path: [list, i], message: 'is not between two nodes' }] : []),
    ]);
  return [
    ...repeated(
      ['nodes'],
      [...record.nodes, ...others, ...(record.outside ?? [])].map((n) => n.name),
    ),
    ...repeated(
      ['nodes'],
      record.nodes.flatMap((n) => [n.address, ...(n.otherAddresses ?? [])]),
    ),
    ...(record.sample?.pairs ?? []).flatMap(([from, to], i) =>
      known.has(from) && known.has(to) && from !== to
        ? []
        : [{ path: ['sample', 'pairs', i], message: 'is not between two nodes' }],
    ),
    ...repeated(
      ['nodes'],
      record.nodes.map((n) => n.macAddress),
    ),
    ...repeated(
      ['taps'],
      record.taps.map((t) => t.node),
    ),
    ...repeated(
      ['taps'],
      record.taps.map((t) => t.file),
    ),
    ...repeated(
      ['probes'],
      record.probes.map((p) => `${p.from} to ${p.to}`),
    ),
    ...repeated(
      ['controls'],
      record.controls.map((c) => `${c.from} to ${c.to}`),
    ),
    ...repeated(['markers'], Object.values(record.markers)),
    ...repeated(
      ['markers'],
      [...record.probes.flatMap((p) => [p.request, p.reply]), ...record.controls.flatMap((c) => [c.open, c.close])],
    ),
    ...ends('probes'),
    ...ends('controls'),
    ...record.taps.flatMap((t, i) => unknownNode(['taps', i, 'node'], t.node)),
    ...record.probes.flatMap((p, i) => [
      ...unknownMarker(['probes', i, 'request'], p.request),
      ...unknownMarker(['probes', i, 'reply'], p.reply),
      ...impossibleDelivery(p, ['probes', i]),
    ]),
    ...record.controls.flatMap((c, i) => [
      ...unknownMarker(['controls', i, 'open'], c.open),
      ...unknownMarker(['controls', i, 'close'], c.close),
    ]),
  ];
}

function impossibleDelivery(p: z.infer<typeof probe>, path: (string | number)[]): Contradiction[] {
  if (!p.delivered) return [];
  const short = Math.min(p.sentBytes, p.repliedBytes) < MARKER_LENGTH;
  return short ? [{ path, message: 'is said to be delivered, but holds fewer bytes than its marker' }] : [];
}

function repeated(path: string[], values: string[]): Contradiction[] {
  const seen = new Set<string>();
  const twice = new Set(values.filter((value) => seen.has(value) || !seen.add(value)));
  return [...twice].map((value) => ({ path, message: `"${value}" is there twice` }));
}
