import { messageOf, usageFailure } from '../errors.ts';
import { readNamedText, readRegular } from '../state/regular-file.ts';
import type { KnownKey } from '../wire/explain/explained.ts';

/** A WireGuard public key in base64: 32 bytes. */
const KEY = /^[A-Za-z0-9+/]{43}=$/;

const KEY_LENGTH = 32;

/** Keys of far more nodes than a cluster has. */
const MOST_BYTES = 1024 * 1024;

/**
 * Public keys as they are given on the command line: `name=base64`, or a file with a name and a key a line (`#` begins a comment).
 * Throws a usage failure that names the line.
 */
export async function readKeys(given: readonly string[]): Promise<KnownKey[]> {
  const all = await Promise.all(given.map(keysOf));
  return all.flat();
}

async function keysOf(given: string): Promise<KnownKey[]> {
  const [, name = '', key = ''] = /^([^=/]+)=(.*)$/s.exec(given) ?? [];
  if (KEY.test(key)) return [knownKey(name, key)];
  const text = await readNamedText(given, MOST_BYTES).catch((error) => {
    throw usageFailure(`--keys ${given}: neither a file (${messageOf(error)}) nor name=key`, {
      remedy: 'wg show INTERFACE public-key prints a key: 44 characters that end with =',
    });
  });
  return text.split('\n').flatMap((line, i) => {
    const content = line.replace(/#.*/, '').trim();
    if (content === '') return [];
    const [, owner = '', found = ''] = /^(\S+?)(?:\s*[=:]\s*|\s+)(\S+)$/.exec(content) ?? [];
    if (KEY.test(found)) return [knownKey(owner, found)];
    throw usageFailure(`${given}:${i + 1}: not a name and a public key: ${content}`, {
      remedy: 'a name, a space, and the 44 characters of its key, one a line',
    });
  });
}

function knownKey(name: string, key: string): KnownKey {
  return { name, key: Buffer.from(key, 'base64') };
}

/** Private keys from files: base64 as `wg genkey` prints it, or the 32 bytes that Cilium keeps in cilium_wg0.key. */
export async function readPrivateKeys(files: readonly string[]): Promise<Uint8Array[]> {
  return Promise.all(
    files.map(async (file) => {
      const bytes = await readRegular(file, MOST_BYTES, { followLinks: true }).catch((error) => {
        throw usageFailure(`--private-key: cannot read ${file}: ${messageOf(error)}`);
      });
      if (bytes.length === KEY_LENGTH) return bytes;
      const text = bytes.toString('latin1').trim();
      if (KEY.test(text)) return Buffer.from(text, 'base64');
      throw usageFailure(`${file}: not a WireGuard private key: 32 bytes, or 44 characters of base64`);
    }),
  );
}
