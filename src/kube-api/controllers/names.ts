import { createHash, randomInt } from 'node:crypto';

/** The letters of names that Kubernetes makes up: no vowels, so that no words come out, and nothing that reads like another. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** Five random letters, as Kubernetes puts at the end of a pod's name. */
export function randomSuffix(): string {
  return Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/** A short name for a value: the same for equal JSON, whatever the order of its keys. 10 letters, fit for labels and names. */
export function hashOf(value: unknown): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest();
  return Array.from(digest.subarray(0, 10), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

/** A name of at most 63 characters, which is the bound for a pod's hostname: a longer base is cut, as by generateName. */
export function nameWithSuffix(base: string, suffix: string): string {
  return `${base.slice(0, 62 - suffix.length)}-${suffix}`;
}

/** The number that a count or percentage such as `25%` means of a total. */
export function scaledValue(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) throw new Error(`"${value}" is neither a number nor a percentage`);
  const share = (Number(percent) * total) / 100;
  return round === 'up' ? Math.ceil(share) : Math.floor(share);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]));
}
