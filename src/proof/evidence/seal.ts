import { join } from 'node:path';
import { sha256Of } from '../../state/digest.ts';
import { readRegular } from '../../state/regular-file.ts';
import { signFile } from '../../state/ssh-signature.ts';
import { writeWhole } from '../../state/whole-file.ts';
import { MOST_RECORD_BYTES, parseRecord, RECORD_FILE } from '../record.ts';
import type { VerifyResult } from '../result.ts';
import { readmeText } from './readme.ts';
import { formatSums, SUMS_FILE } from './sums.ts';

/** The verdict at the end of the run. */
const VERDICT_FILE = 'verdict.json';
const README_FILE = 'README.txt';

/**
 * Completes an evidence folder: the verdict, the README, and last of all `SHA256SUMS`, so that a run that broke off never
 * looks whole. Signs it if there is a key.
 */
export async function sealEvidence(folder: string, result: VerifyResult, signKey?: string): Promise<void> {
  const record = await readRegular(join(folder, RECORD_FILE), MOST_RECORD_BYTES);
  const { taps } = parseRecord(record.toString());
  const { evidence: _, ...verdict } = result;
  const written = new Map([
    [VERDICT_FILE, `${JSON.stringify(verdict, null, 2)}\n`],
    [README_FILE, readmeText(result, signKey !== undefined)],
  ]);
  for (const [name, text] of written) await writeWhole(join(folder, name), text);
  const sums = new Map([
    [RECORD_FILE, sha256Of(record)],
    ...[...written].map(([name, text]): [string, string] => [name, sha256Of(text)]),
    ...taps.flatMap(({ file, sha256 }): [string, string][] => (sha256 === null ? [] : [[file, sha256]])),
  ]);
  await writeWhole(join(folder, SUMS_FILE), formatSums(sums));
  if (signKey !== undefined) await signFile(join(folder, SUMS_FILE), signKey);
}
