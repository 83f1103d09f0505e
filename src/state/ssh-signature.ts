import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { Failure, lackingFailure, messageOf, usageFailure } from '../errors.ts';
import { readRegular } from './regular-file.ts';
import { writeWhole } from './whole-file.ts';

/** Keeps a signature that was made for something else from being taken for one of evidence. */
const NAMESPACE = 'wglab';

const MOST_BYTES = 64 * 1024;

export interface Signature {
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  fingerprint: string;
  /** The name that the allowed signers have for the key; null if nobody said which signers are allowed. */
  signer: string | null;
}

/** The file that holds the signature of another. */
export function signatureOf(file: string): string {
  return `${file}.sig`;
}

/** Throws a usage Failure if there is no such key file. */
export async function checkKeyFile(key: string): Promise<void> {
  await readInput(key, 'a private key');
}

async function readInput(file: string, what: string): Promise<void> {
  try {
    await readRegular(file, MOST_BYTES);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw usageFailure(`cannot read ${file}: ${messageOf(error)}`, {
      remedy: `Name a file with ${what}.`,
      cause: error,
    });
  }
}

/** Signs a file with an SSH key and writes `FILE.sig` next to it. ssh-keygen itself asks for the key's passphrase. */
export async function signFile(file: string, key: string): Promise<void> {
  const bytes = await readRegular(file, Number.MAX_SAFE_INTEGER);
  const { status, stdout, stderr } = await sshKeygen(['-Y', 'sign', '-n', NAMESPACE, '-f', resolve(key)], bytes);
  if (status !== 0) throw usageFailure(`${file} could not be signed with ${key}`, { detail: stderr.trim() });
  await writeWhole(signatureOf(file), stdout);
}

/** Checks the signature `FILE.sig` of `bytes`. Returns whose it is, or the reason for which it counts for nothing. */
export async function checkSignature(
  file: string,
  bytes: Uint8Array,
  allowedSigners: string | undefined,
): Promise<Signature | string> {
  // Absolute, so that ssh-keygen takes no name for an option.
  const signature = resolve(signatureOf(file));
  await readRegular(signature, MOST_BYTES);
  const about = ['-n', NAMESPACE, '-s', signature];
  const valid = await sshKeygen(['-Y', 'check-novalidate', ...about], bytes);
  if (valid.status !== 0) return 'it does not fit: the file was changed after it was signed, or the signature was';
  const fingerprint = /SHA256:[A-Za-z0-9+/]+/.exec(valid.stdout)?.[0] ?? 'an unknown key';
  if (allowedSigners === undefined) return { fingerprint, signer: null };
  const allowed = resolve(allowedSigners);
  await readInput(allowed, 'allowed signers');
  const found = await sshKeygen(['-Y', 'find-principals', '-f', allowed, '-s', signature], '');
  const [signer = ''] = found.stdout.split('\n');
  if (found.status !== 0 || signer === '') return `it was made with ${fingerprint}, which no allowed signer has`;
  const { status } = await sshKeygen(['-Y', 'verify', '-f', allowed, '-I', signer, ...about], bytes);
  return status === 0 ? { fingerprint, signer } : `the allowed signers do not take ${fingerprint} for it`;
}

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

function sshKeygen(args: readonly string[], input: string | Uint8Array): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const tool = spawn('ssh-keygen', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const ran: Ran = { status: null, stdout: '', stderr: '' };
    tool.stdout.setEncoding('utf8').on('data', (text) => {
      ran.stdout += text;
    });
    tool.stderr.setEncoding('utf8').on('data', (text) => {
      ran.stderr += text;
    });
    tool.on('error', (cause) => {
      reject(
        lackingFailure('ssh-keygen cannot be run, which makes and checks signatures', {
          remedy: 'Install the OpenSSH client (apt-get install openssh-client).',
          cause,
        }),
      );
    });
    tool.on('close', (status) => resolve({ ...ran, status }));
    tool.stdin.on('error', () => undefined); // it may end before it has read everything
    tool.stdin.end(input);
  });
}
