import type { Signature } from '../../state/ssh-signature.ts';
import { judge } from '../judge.ts';
import { type Claim, type Record, readRecordFile } from '../record.ts';
import type { VerifyResult } from '../result.ts';
import { type Change, type Checked, checkEvidence } from './check.ts';

/** A result, and what ties it to its evidence. */
export interface EvidenceResult extends VerifyResult {
  /** The SHA-256 digest of `record.json`, which holds the digests of the captures: whoever has it knows this run from any other. */
  digest: string;
  /** Null if nobody signed it, or if the signature counts for nothing. */
  signature: Signature | null;
  /** The files that are not as they were when the run ended; if there are any, the verdict is inconclusive. */
  changes: Change[];
}

interface Options {
  /** A claim to judge instead of the one that the run made. */
  expect?: Claim | null;
  /** A file that lists who may sign, in ssh-keygen's format. */
  allowedSigners?: string | undefined;
}

/**
 * Judges kept evidence again, and compares it with its digests first. Evidence that changed proves nothing, neither that
 * traffic was encrypted nor that it was not. Throws a usage Failure if the folder is no evidence folder.
 */
export async function judgeEvidence(folder: string, { expect, allowedSigners }: Options = {}): Promise<EvidenceResult> {
  const { record, sha256 } = await readRecordFile(folder);
  const checked = await checkEvidence(folder, { record, sha256, allowedSigners });
  return combine(folder, record, sha256, checked, expect);
}

/** Judges the evidence of a run that has just ended, before it is sealed. */
export async function judgeRun(folder: string): Promise<EvidenceResult> {
  const { record, sha256 } = await readRecordFile(folder);
  return combine(folder, record, sha256, { changes: [], signature: null });
}

async function combine(
  folder: string,
  record: Record,
  digest: string,
  { changes, signature }: Checked,
  expect?: Claim | null,
): Promise<EvidenceResult> {
  const spoilt = changes.map(({ file, reason }) => ({
    node: null,
    message: `the evidence changed: ${file}: ${reason}`,
  }));
  const result = await judge(folder, {
    record: { ...record, problems: [...spoilt, ...record.problems] },
    ...(expect === undefined ? {} : { expect }),
  });
  return { ...result, ...verdictOn(changes), digest, signature, changes };
}

function verdictOn(changes: readonly Change[]): Partial<VerifyResult> {
  const [first] = changes;
  if (!first) return {};
  const more = changes.length > 1 ? ` (and ${changes.length - 1} more files)` : '';
  return {
    verdict: 'inconclusive',
    summary: `The evidence is not what the run left behind: ${first.file}: ${first.reason}${more}.`,
  };
}
