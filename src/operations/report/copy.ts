import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SUMS_FILE } from '../../proof/evidence/sums.ts';
import { RECORD_FILE, type Record } from '../../proof/record.ts';
import { openRegular } from '../../state/regular-file.ts';
import { signatureOf } from '../../state/ssh-signature.ts';
import { storageFailure } from '../../state/whole-file.ts';

/** Copies the files of an evidence folder that are there, and returns their digests by name. */
export async function copyEvidence(from: string, to: string, record: Record): Promise<Map<string, string>> {
  const names = [RECORD_FILE, 'verdict.json', 'README.txt', SUMS_FILE, signatureOf(SUMS_FILE)];
  const digests = new Map<string, string>();
  for (const name of [...names, ...record.taps.map(({ file }) => file)]) {
    const sha256 = await copyFile(join(from, name), join(to, name));
    if (sha256 !== undefined) digests.set(name, sha256);
  }
  return digests;
}

async function copyFile(from: string, to: string): Promise<string | undefined> {
  const file = await openRegular(from).catch((error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  const hash = createHash('sha256');
  const digest = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await pipeline(file.createReadStream(), digest, createWriteStream(to, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    throw storageFailure(error, `copy ${from} to ${to}`);
  }
  return hash.digest('hex');
}
