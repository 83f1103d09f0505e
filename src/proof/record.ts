import { join } from 'node:path';
import type * as z from 'zod';
import { Failure, usageFailure } from '../errors.ts';
import { sha256Of } from '../state/digest.ts';
import { readRegular } from '../state/regular-file.ts';
import type { claim } from './record/fields.ts';
import { format1Schema, fromFormat1 } from './record/format1.ts';
import { contradictions } from './record/rules.ts';
import { type Record, recordSchema } from './record/schema.ts';

/** Everything about one verification run but its captures; with them, its verdict can be computed again without the lab. */
export type { Record } from './record/schema.ts';

/** The name of the record in an evidence folder; the captures lie in `taps/` next to it. */
export const RECORD_FILE = 'record.json';

export type NodeRecord = Record['nodes'][number];
export type WireguardRecord = NonNullable<NodeRecord['wireguard']>;
export type ProbeRecord = Record['probes'][number];
export type TapRecord = Record['taps'][number];
export type Claim = z.infer<typeof claim>;

/** How many wrong fields a message lists. */
const LISTED = 20;

/** A record that is longer is refused; one of 5,000 nodes has some 10 MiB. */
export const MOST_RECORD_BYTES = 64 * 1024 * 1024;

/** Reads `record.json` of an evidence folder. Throws a usage Failure if there is none or if it is not a record. */
export async function readRecord(evidence: string): Promise<Record> {
  return (await readRecordFile(evidence)).record;
}

/** Reads the record like `readRecord`, and returns it with the digest of its file. */
export async function readRecordFile(evidence: string): Promise<{ record: Record; sha256: string }> {
  const path = join(evidence, RECORD_FILE);
  const bytes = await readRegular(path, MOST_RECORD_BYTES).catch((cause: unknown) => {
    if (cause instanceof Failure) throw cause;
    throw usageFailure(`${evidence} is no evidence folder: ${RECORD_FILE} cannot be read in it.`, {
      remedy: 'Name a folder that wglab verify left behind.',
      cause,
    });
  });
  return { record: parseRecord(bytes.toString(), path), sha256: sha256Of(bytes) };
}

/** Reads the text of a record of format 2 or 1. Throws a usage Failure that names the fields that are wrong; `path` is for its message. */
export function parseRecord(text: string, path = RECORD_FILE): Record {
  const value = parseJson(text, path);
  const result = isFormat1(value)
    ? format1Schema.transform(fromFormat1).safeParse(value)
    : recordSchema.safeParse(value);
  const faults = result.success ? contradictions(result.data) : (result.error?.issues ?? []);
  if (result.success && faults.length === 0) return result.data;
  const lines = faults.slice(0, LISTED).map((fault) => `${fault.path.join('.') || 'the record'}: ${fault.message}`);
  const more = faults.length > LISTED ? [`… and ${faults.length - LISTED} more`] : [];
  throw usageFailure(`${path} is not a record of a verification.`, { detail: [...lines, ...more].join('\n') });
}

function isFormat1(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === 1;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw usageFailure(`${path} is not a record of a verification: it is not JSON.`, { cause });
  }
}
