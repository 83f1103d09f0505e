import type { Observation, ReportedRun } from './schema.ts';

/** A sign for each observation that reads in black and white. */
export const SIGNS: { readonly [observation in Observation]: string } = {
  encrypted: '✓',
  plaintext: '✕',
  mixed: '±',
  inconclusive: '?',
};

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.2 KiB`. */
export function bytesText(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && unit < UNITS.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}

/** `12,345`. */
export function numberText(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 packet`, `2 packets`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** `2026-11-30 19:36:50 UTC`. */
export function timeText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** Returns the run's claim as one sentence. */
export function claimText({ claim, counts, lab }: ReportedRun): string {
  if (claim === null) return `No claim was made about the traffic between the nodes of ${lab}.`;
  const what = claim === 'encrypted' ? 'is encrypted' : 'is in plaintext';
  const scope =
    counts.of > counts.pairs
      ? `${numberText(counts.pairs)} of ${numberText(counts.of)} pairs`
      : `all ${counts.pairs} pairs`;
  return `Traffic of pods between the nodes of ${lab}, for ${scope}, ${what}.`;
}

/** The command that computes the verdict of a run again, in the report's folder. */
export function checkCommand({ evidence, claim }: ReportedRun): string {
  return `wglab verify --from ${evidence.folder}${claim === null ? '' : ` --expect ${claim}`}`;
}

/** The first few of a list, and how many more there are. */
export function someOf(items: readonly string[], most: number): string {
  const more = items.length - most;
  return items.slice(0, most).join(', ') + (more > 0 ? ` and ${numberText(more)} more` : '');
}

/** The title of a report, by its verdict. */
export const SUMMARIES = {
  pass: 'The claim holds',
  fail: 'The claim fails',
  inconclusive: 'Inconclusive',
  none: 'Observed',
} as const;
