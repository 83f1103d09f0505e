/** Samples of one thing, in the order in which they were taken. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  samples: number[];
}

/** One line of the table. Times are in seconds, sizes in megabytes (10^6 bytes). */
export interface Row {
  measure: string;
  unit: 's' | 'ms' | 'MB';
  wglab: Summary;
  /** The program to compare with, measured in the same rounds. */
  against?: { what: string; summary: Summary };
  /** wglab's divided by the other's, or the other's by wglab's where `faster`: pair by pair, each of one round. */
  ratio?: Summary & { faster: boolean };
  /** In words; undefined for a figure that is only told. */
  reach?: string;
  reached?: boolean;
}

export interface Bench {
  /** Runs wglab with these arguments in the bench's own WGLAB_HOME; gives the seconds it took. Throws where it fails. */
  wglab(...args: string[]): number;
  /** Runs another command, with KUBECONFIG of a lab where one is named; gives the seconds. Throws where it fails. */
  run(argv: readonly string[], lab?: string): number;
  /** The folder of a lab's state. */
  folderOf(lab: string): string;
  /** How many rounds the person wants, or this many. */
  rounds(usual: number): number;
  /** A line for who waits. */
  tell(text: string): void;
  /** The bench's own temporary folder. */
  scratch: string;
}

/** A measure: its rows of the table. It leaves no lab behind. */
export type Measure = (bench: Bench) => Promise<Row[]> | Row[];

export function summary(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[sorted.length >> 1]];
  return { median: (low + high) / 2, min: sorted[0] ?? low, max: sorted.at(-1) ?? low, samples: [...samples] };
}

/**
 * Runs works in turn, A B A B, so that whatever else the machine does meets all of them alike; the first round warms caches up
 * and does not count. Returns the samples of each work.
 */
export function sideBySide(rounds: number, ...works: (() => number)[]): Summary[] {
  const samples = works.map((): number[] => []);
  for (let round = -1; round < rounds; round += 1) {
    for (const [i, work] of works.entries()) {
      const sample = work();
      if (round >= 0) samples[i]?.push(sample);
    }
  }
  return samples.map(summary);
}

/** The ratios of samples taken in the same round: noise that lasts longer than a round leaves them as they are. */
export function ratio(of: Summary, to: Summary): Summary & { faster: boolean } {
  return { ...summary(of.samples.map((sample, i) => sample / (to.samples[i] ?? Number.NaN))), faster: false };
}
