import { join } from 'node:path';
import { describePacket } from '../proof/describe.ts';
import type { EvidenceResult } from '../proof/evidence/judge-evidence.ts';
import type { Record } from '../proof/record.ts';
import { openRegular } from '../state/regular-file.ts';
import { readCaptureFile } from '../wire/capture-file.ts';
import { CaptureError } from '../wire/capture-format.ts';
import { decodeFrame } from '../wire/decode.ts';
import { explainFrame } from '../wire/explain/explain.ts';
import type { ExplainedLayer, Knowledge } from '../wire/explain/explained.ts';
import type { Frame } from '../wire/packet.ts';
import type { ReportedPacket } from './schema.ts';

/** How much of a packet is shown: enough to see what it is. */
const MOST_LINES = 12;
const MOST_FIELDS = 12;
const LONGEST_VALUE = 80;

type Wanted = Pick<ReportedPacket, 'kind' | 'from' | 'to' | 'frame'> & { tap: string };

/** Picks one packet of each kind from a run, and takes it apart: what was readable, and what was not. */
export async function packetsOf(folder: string, record: Record, result: EvidenceResult): Promise<ReportedPacket[]> {
  const packets: ReportedPacket[] = [];
  for (const wanted of wantedOf(result)) {
    const tap = record.taps.find(({ node }) => node === wanted.tap);
    const frame = tap ? await frameOf(join(folder, tap.file), wanted.frame) : undefined;
    if (tap && frame) packets.push(reported(wanted, tap.file, frame, knowledgeOf(record)));
  }
  return packets;
}

/** A plaintext packet of a pod if there is one, else a control packet; and one of ciphertext. */
function wantedOf({ excerpts, ledger }: EvidenceResult): Wanted[] {
  const readable = excerpts.filter(({ kind, lines }) => kind === 'plaintext' && lines.length > 0);
  const plaintext = readable[0] ?? excerpts.find(({ kind }) => kind === 'plaintext');
  const control = ledger.find((line) => line.class === 'control');
  const ciphertext = excerpts.find(({ kind }) => kind === 'ciphertext');
  return [
    ...(plaintext ? [plaintext] : []),
    ...(control && !plaintext
      ? [{ kind: 'control' as const, from: control.from ?? '', to: control.to ?? '', ...control.example }]
      : []),
    ...(ciphertext ? [ciphertext] : []),
  ];
}

async function frameOf(path: string, number: number): Promise<Frame | undefined> {
  try {
    for await (const frames of readCaptureFile(path, openRegular)) {
      const found = frames.find(({ index }) => index + 1 === number);
      if (found) return found;
    }
  } catch (error) {
    // The verdict says already what is wrong with this capture.
    if (!(error instanceof CaptureError) && !(error instanceof Error && 'syscall' in error)) throw error;
  }
  return undefined;
}

function knowledgeOf(record: Record): Knowledge {
  const pods = record.probes.flatMap(({ fromPod, toPod }) => [fromPod, toPod]);
  return {
    names: new Map([...pods, ...record.nodes].map(({ address, name }) => [address, name])),
    keys: record.nodes.flatMap(({ name, wireguard }) =>
      wireguard?.publicKey ? [{ name, key: Buffer.from(wireguard.publicKey, 'base64') }] : [],
    ),
    sessions: new Map(),
  };
}

function reported(
  { kind, from, to, frame: number }: Wanted,
  file: string,
  frame: Frame,
  known: Knowledge,
): ReportedPacket {
  return {
    kind,
    from,
    to,
    file,
    frame: number,
    description: describePacket(decodeFrame(frame)),
    layers: explainFrame(frame, known).layers.map(reportedLayer),
  };
}

function reportedLayer({ name, about, fields, text }: ExplainedLayer): ReportedPacket['layers'][number] {
  const shorten = (value: string) => (value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value);
  return {
    name,
    about,
    fields: fields.slice(0, MOST_FIELDS).map((field) => ({ name: field.name, value: shorten(field.value) })),
    text: text ? text.slice(0, MOST_LINES).map((line) => shorten(line.text)) : null,
  };
}
