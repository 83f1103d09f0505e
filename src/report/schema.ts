import * as z from 'zod';

const count = z.int().nonnegative();
const text = z.string();
const verdict = z.enum(['pass', 'fail', 'inconclusive']);
const observation = z.enum(['encrypted', 'plaintext', 'mixed', 'inconclusive']);
/** Null means that the evidence does not say. */
const maybe = text.nullable();

const pair = z.strictObject({
  from: text,
  to: text,
  observation,
  delivered: z.boolean(),
  deliveredBytes: count,
  ciphertextBytes: count,
  ciphertextPackets: count,
  plaintextPackets: count,
  unexplainedPackets: count,
  reason: text,
});

const layer = z.strictObject({
  name: text,
  about: text,
  fields: z.array(z.strictObject({ name: text, value: text })),
  /** The readable lines of a payload; null for headers and ciphertext. */
  text: z.array(text).nullable(),
});

const packet = z.strictObject({
  kind: z.enum(['plaintext', 'ciphertext', 'control']),
  from: text,
  to: text,
  /** The capture and the packet's number in it, from 1 as Wireshark counts. */
  file: text,
  frame: count,
  description: text,
  layers: z.array(layer),
});

const named = z.strictObject({ node: text, reason: text });

/** One run, as a report shows it. */
export const runSchema = z.strictObject({
  lab: text,
  engine: text,
  cni: maybe,
  /** The claim; null if the run made none. */
  claim: z.enum(['encrypted', 'plaintext']).nullable(),
  verdict: verdict.nullable(),
  /** A few words for the bar: `ENCRYPTED 6/6`. */
  headline: text,
  summary: text,
  startedAt: text,
  endedAt: maybe,
  runner: z.strictObject({ user: text, host: text }).nullable(),
  cluster: z.strictObject({ name: maybe, server: maybe, caSha256: maybe, kubeSystemUid: maybe }),
  versions: z.array(z.strictObject({ name: text, values: z.array(text) })),
  counts: z.strictObject({
    pairs: count,
    /** All pairs that there are; more than `pairs` if those are a sample. */
    of: count,
    encrypted: count,
    plaintext: count,
    mixed: count,
    inconclusive: count,
    plaintextPackets: count,
    unexplainedPackets: count,
  }),
  nodes: z.array(text),
  notProbed: z.array(named),
  notChosen: z.array(named),
  /** Traffic that pods may have and that this run did not send, in sentences. */
  notTried: z.array(text),
  problems: z.array(z.strictObject({ node: maybe, message: text })),
  pairs: z.array(pair),
  /** Packets in plaintext on purpose: what the taps had to see of them, and saw. */
  controls: z.strictObject({ sent: count, tapsThatSaw: count, taps: count }),
  timeline: z.strictObject({
    taps: z.array(z.strictObject({ node: text, startedAt: text, stoppedAt: maybe })),
    steps: z.array(z.strictObject({ at: text, what: text })),
  }),
  packets: z.array(packet),
  ledger: z.strictObject({
    classes: z.array(z.strictObject({ class: text, packets: count, bytes: count })),
    lines: z.array(
      z.strictObject({
        class: text,
        what: text,
        from: maybe,
        to: maybe,
        protocol: maybe,
        port: count.nullable(),
        packets: count,
        bytes: count,
      }),
    ),
  }),
  keys: z.array(
    z.strictObject({
      node: text,
      interface: text,
      published: maybe,
      device: maybe,
      peers: count.nullable(),
      /** The latest handshake with any peer, in UTC; null if there was none, or if it is not known. */
      latestHandshake: maybe,
    }),
  ),
  taps: z.array(
    z.strictObject({
      node: text,
      interface: text,
      direction: text,
      packets: count,
      dropped: count.nullable(),
      controlSeen: z.boolean(),
      exit: text,
      sha256: maybe,
    }),
  ),
  evidence: z.strictObject({
    /** The folder in the report. */
    folder: text,
    /** Digest of `record.json`. */
    digest: text,
    signature: z.strictObject({ fingerprint: text, signer: maybe }).nullable(),
    changes: z.array(z.strictObject({ file: text, reason: text })),
  }),
});

/** `report.json`. */
export const reportSchema = z.strictObject({
  schema: z.literal('wglab-report/1'),
  wglab: text,
  /** The controls of a standard that the person named, in her words. */
  standards: z.array(text),
  /** Sentences on what no run of wglab proves. */
  limits: z.array(text),
  run: runSchema,
  /** An earlier run, to compare with: usually one without encryption. */
  before: runSchema.nullable(),
});

export type Report = z.infer<typeof reportSchema>;
export type ReportedRun = z.infer<typeof runSchema>;
export type ReportedPair = ReportedRun['pairs'][number];
export type ReportedPacket = ReportedRun['packets'][number];
export type Observation = ReportedPair['observation'];
