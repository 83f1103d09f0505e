import { readFile } from 'node:fs/promises';
import { messageOf, usageFailure } from '../errors.ts';
import type { KnownKey } from '../wire/explain/explained.ts';

/** A WireGuard public key in base64: 32 bytes. */
const KEY = /^[A-Za-z0-9+/]{43}=$/;

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
  const text = await readFile(given, 'utf8').catch((error) => {
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
