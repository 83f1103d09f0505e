import * as z from 'zod';
import * as fields from './fields.ts';

const { name, address, count, family, list, port, text, time, words } = fields;

const tap = z.strictObject({
  node: name,
  interface: fields.interfaceName,
  /** The packets that it captured, by their direction at this interface. */
  direction: z.enum(['in', 'out', 'both']),
  /** The filter that tcpdump ran with; missing if there was none. */
  filter: text.optional(),
  /** Relative to the evidence folder. */
  file: fields.captureFile,
  /** Digest of the whole file, and its length in bytes; null if there is no file. */
  sha256: fields.sha256.nullable(),
  size: count.nullable(),
  startedAt: time,
  stoppedAt: time.nullable(),
  exit: fields.tapExit,
  stderr: text,
  /** tcpdump's own counts; null if it did not print them. */
  packetsCaptured: count.nullable(),
  packetsReceived: count.nullable(),
  droppedByKernel: count.nullable(),
});

/** The lengths of IP packets (header included) in the order in which a pod sent them, `sent` of them before it stopped. */
const sequence = {
  family,
  protocol: z.enum(['tcp', 'udp', 'icmp']),
  port: port.optional(),
  sizes: z.array(z.int().min(20).max(65_535)).max(4_096),
  sent: count,
  /** How many lengths each of the small ones was drawn from, at least; how long their sending took at most. */
  choices: count.optional(),
  spanMs: count.optional(),
  /** The MTU of the pod's interface; missing if the pod could not find out. */
  mtu: z.int().positive().optional(),
  /** Why not all of it was sent, or not answered. */
  reason: text.optional(),
};

/** A sequence of packets from a pod on `from` to a pod on `to`; `replies` are the lengths of the answers, if there are any. */
const fingerprint = z.strictObject({
  from: name,
  to: name,
  fromPod: fields.pod,
  toPod: fields.pod,
  ...sequence,
  replies: sequence.sizes.optional(),
  /** How many of them the far end reports; missing if nothing listened there. */
  received: count.optional(),
});

/** A sequence from a pod on `from` to a pod that is in no probe, on the node `to`. */
const furtherPod = z.strictObject({ from: name, to: name, pod: fields.pod, ...sequence });

/** Something that a person's traffic may do and this run did not, for one pair, one pod, or `count` times. */
const notTried = z.strictObject({
  what: words,
  reason: words,
  from: name.optional(),
  to: name.optional(),
  pod: z.strictObject({ name, namespace: name }).optional(),
  count: count.optional(),
  /** True if it was sent and nothing shows how it left. */
  sent: z.boolean().optional(),
});

/** The answer of `ip route get` on a node: the interface that a packet to `to` leaves by. */
const route = z.strictObject({
  node: name,
  to: address,
  from: address.optional(),
  mark: count.optional(),
  interface: fields.interfaceName.nullable(),
  text,
});

const wireguardKind = z.strictObject({
  kind: z.literal('wireguard'),
  /** The families of the pods' packets that go through it. */
  families: z.array(family).min(1).max(2),
  interface: fields.interfaceName,
  port,
});

const espKind = z.strictObject({
  kind: z.literal('esp'),
  families: z.array(family).min(1).max(2),
  /** The port of UDP encapsulation; null if ESP is carried by IP itself. */
  port: port.nullable(),
});

const byDesign = z.enum(['leak', 'by design']);

/** The CNI's description of what must and what must not be on the wire between two nodes. */
const encryption = z.strictObject({
  cni: words,
  kinds: z.array(z.discriminatedUnion('kind', [wireguardKind, espKind])).max(16),
  /** A node's own packet to a pod of another node, in plaintext, and its answer. */
  nodeToPod: byDesign,
  /** A pod's packet to the address of another node, in plaintext, and its answer. */
  podToNode: byDesign,
  /** Encapsulations that carry nothing but pods' packets: any packet of them between two nodes is a leak, whatever it holds. */
  overlays: z.array(z.strictObject({ protocol: z.enum(['udp', 'ipip', 'gre']), port: port.nullable() })).max(16),
});

const nodePort = z.strictObject({ port, protocol: z.enum(['tcp', 'udp', 'sctp']), namespace: name, service: name });

const cluster = z.strictObject({
  /** The name that the kubeconfig uses. */
  name: text.nullable(),
  server: text.nullable(),
  /** Digest of the DER form of the certificate authority that signs for the API server. */
  caSha256: fields.sha256.nullable(),
  kubeSystemUid: fields.uid.nullable(),
});

/** `record.json`, format 2. */
export const recordSchema = z.strictObject({
  format: z.literal(2),
  lab: name,
  engine: name,
  dataplane: fields.dataplane,
  expect: fields.claim.nullable(),
  startedAt: time,
  endedAt: time.nullable(),
  /** The person's name and the machine's. */
  runner: z.strictObject({ user: text, host: text }).nullable(),
  cluster,
  /** `wglab`, `kubernetes`, `cni`, and for each node `kernel on NODE` and `tcpdump on NODE`. */
  versions: fields.versions,
  /** Null if it is not known which CNI this is. */
  encryption: encryption.nullable(),
  /** The UIDs of the namespaces that the probes ran in, by name. */
  namespaces: z.record(name, fields.uid),
  /** All nodes that were probed: an address of a pod on a node that is missing here, in `unprobed` and in `outside` belongs to nobody. */
  nodes: list(fields.node),
  /** All other nodes of the cluster that the claim is about; pairs with them are inconclusive. */
  unprobed: list(fields.unprobed).optional(),
  /** Nodes that were left out on purpose: no pair with them is judged. */
  outside: list(fields.unprobed).optional(),
  /** Missing if all pairs were probed. */
  sample: fields.sample.optional(),
  podNetworks: list(fields.podNetwork),
  /** Blocks of both families; missing if they are not known. */
  serviceCidrs: z.array(fields.cidr).max(16).optional(),
  nodePorts: list(nodePort).optional(),
  probes: list(fields.probe),
  fingerprints: list(fingerprint).optional(),
  furtherPods: list(furtherPod).optional(),
  notTried: list(notTried).optional(),
  routes: list(route).optional(),
  markers: fields.markers,
  controls: list(fields.control),
  taps: list(tap),
  /** The steps of the run, for a person: `controls sent`, `probes sent`. */
  steps: list(z.strictObject({ at: time, what: words })).optional(),
  problems: list(fields.problem),
});

export type Record = z.infer<typeof recordSchema>;
