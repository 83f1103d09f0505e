import { join } from 'node:path';
import { digestFile } from '../../state/digest.ts';
import { readRegular } from '../../state/regular-file.ts';
import { checkSignature, type Signature, signatureOf } from '../../state/ssh-signature.ts';
import { RECORD_FILE, type Record, type TapRecord } from '../record.ts';
import { MOST_SUMS_BYTES, parseSums, SUMS_FILE } from './sums.ts';

/** A fault of an evidence folder: the file, relative to the folder, and the reason. */
export interface Change {
  file: string;
  reason: string;
}

export interface Checked {
  changes: Change[];
  /** Null if nobody signed it, or if the signature counts for nothing. */
  signature: Signature | null;
}

/**
 * Compares an evidence folder with its digests: those in the record, those in `SHA256SUMS`, and the signature if there is one.
 * `allowedSigners` makes a signature necessary. Throws a usage Failure if one of the files is no regular file.
 */
export async function checkEvidence(
  folder: string,
  { record, sha256, allowedSigners }: { record: Record; sha256: string; allowedSigners?: string | undefined },
): Promise<Checked> {
  const changes: Change[] = [];
  const digests = new Map([[RECORD_FILE, sha256]]);
  for (const tap of record.taps) {
    const digest = await digestFile(join(folder, tap.file));
    if (digest) digests.set(tap.file, digest.sha256);
    if (changedSince(tap, digest)) changes.push({ file: tap.file, reason: whyChanged(tap, digest !== undefined) });
  }
  const sums = await readSums(folder);
  if (sums === undefined) {
    // Runs of format 1 had no list of digests; one of today without it broke off, or somebody removed it.
    if (isSealed(record))
      changes.push({ file: SUMS_FILE, reason: 'it is missing: the run did not end, or it was removed' });
  } else changes.push(...(await againstSums(folder, sums, digests)));
  const signature = await signatureFor(folder, sums, allowedSigners);
  if (signature !== null && 'reason' in signature) changes.push(signature);
  return { changes: once(changes), signature: signature === null || 'reason' in signature ? null : signature };
}

function isSealed({ endedAt, taps }: Record): boolean {
  return endedAt !== null || taps.some(({ sha256 }) => sha256 !== null);
}

function changedSince(tap: TapRecord, digest: { sha256: string; size: number } | undefined): boolean {
  if (tap.sha256 === null) return false;
  return digest?.sha256 !== tap.sha256 || digest.size !== tap.size;
}

function whyChanged({ sha256 }: TapRecord, isThere: boolean): string {
  return isThere ? `it does not have the digest ${sha256} that the record gives` : 'it is missing';
}

async function readSums(folder: string): Promise<Buffer | undefined> {
  try {
    return await readRegular(join(folder, SUMS_FILE), MOST_SUMS_BYTES);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function againstSums(folder: string, sums: Buffer, known: Map<string, string>): Promise<Change[]> {
  const expected = parseSums(sums.toString('latin1'));
  if (typeof expected === 'string') return [{ file: SUMS_FILE, reason: expected }];
  const changes: Change[] = [];
  for (const name of known.keys()) {
    if (!expected.has(name)) changes.push({ file: name, reason: `${SUMS_FILE} does not list it` });
  }
  for (const [name, sha256] of expected) {
    const digest = known.get(name) ?? (await digestFile(join(folder, name)))?.sha256;
    if (digest === undefined) changes.push({ file: name, reason: 'it is missing' });
    else if (digest !== sha256)
      changes.push({ file: name, reason: `it does not have the digest that ${SUMS_FILE} gives` });
  }
  return changes;
}

async function signatureFor(
  folder: string,
  sums: Buffer | undefined,
  allowedSigners: string | undefined,
): Promise<Signature | Change | null> {
  const file = signatureOf(SUMS_FILE);
  try {
    const found = await checkSignature(join(folder, SUMS_FILE), sums ?? Buffer.alloc(0), allowedSigners);
    return typeof found === 'string' ? { file, reason: found } : found;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return allowedSigners === undefined ? null : { file, reason: 'it is missing: nobody signed this evidence' };
  }
}

/** Removes repetitions: the record and `SHA256SUMS` may report the same change of one file. */
function once(changes: readonly Change[]): Change[] {
  return [...new Map([...changes].reverse().map((change) => [change.file, change])).values()].reverse();
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
