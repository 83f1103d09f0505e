import type { Reporter, Timed, TimedBy } from '../process/reporter.ts';

/** How long one part of a deployment took. Parts of tools and cluster may overlap. */
export interface Timing {
  step: string;
  seconds: number;
  /** The owner of the time: a tool (containerlab, kind, docker, a download), the cluster that gets ready, or wglab itself. */
  of: 'wglab' | TimedBy;
}

export interface Timings {
  timings: Timing[];
  /** The sum of wglab's own. */
  ownSeconds: number;
  totalSeconds: number;
}

interface Span {
  begin: number;
  end: number;
}

interface NamedSpan extends Span {
  name: string;
  of: TimedBy;
}

/** Keeps the times of a deployment: its steps as they are reported, and within them the time of others. */
export class Stopwatch {
  readonly #clock: () => number;
  readonly #steps: { name: string; begin: number }[];
  readonly #others: NamedSpan[] = [];

  /** `began` and `clock` in ms. */
  constructor(began: number, clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#steps = [{ name: 'Starting', begin: began }];
  }

  step(name: string): void {
    this.#steps.push({ name, begin: this.#clock() });
  }

  /** Does somebody else's work and notes its time, even if it fails. */
  readonly timed: Timed = async (name, of, work) => {
    const begin = this.#clock();
    try {
      return await work();
    } finally {
      this.#others.push({ name, of, begin, end: this.#clock() });
    }
  };

  /** Returns a reporter that passes everything on to `listener` and keeps the times. */
  reporter(listener: Omit<Reporter, 'timed'>): Reporter {
    return {
      step: (text) => {
        this.step(text);
        listener.step(text);
      },
      update: (text) => listener.update(text),
      info: (text) => listener.info(text),
      timed: this.timed,
    };
  }

  /** Returns all times until now. */
  read(): Timings {
    return timingsOf(this.#steps, this.#others, this.#clock());
  }
}

/**
 * wglab's own time is what is left of each step when everything that others did in it is taken out: a time in which two of them worked
 * is taken out once. `end` is when the last step ended.
 */
export function timingsOf(
  steps: readonly { name: string; begin: number }[],
  others: readonly NamedSpan[],
  end: number,
): Timings {
  const busy = union(others);
  const own = steps.flatMap(({ name, begin }, i) => {
    const over = steps[i + 1]?.begin ?? end;
    const theirs = busy.reduce((sum, span) => sum + overlap(span, { begin, end: over }), 0);
    return [{ begin, step: name, ms: over - begin - theirs, of: 'wglab' as const }];
  });
  const rest = others.map(({ begin, end: over, name, of }) => ({ begin, step: name, ms: over - begin, of }));
  const all = [...own, ...rest].sort((a, b) => a.begin - b.begin);
  const [first] = steps;
  return {
    timings: all.map(({ step, ms, of }) => ({ step, seconds: seconds(ms), of })),
    ownSeconds: seconds(own.reduce((sum, { ms }) => sum + ms, 0)),
    totalSeconds: seconds(end - (first?.begin ?? end)),
  };
}

/** The same times as spans that do not overlap. */
function union(spans: readonly Span[]): Span[] {
  const joined: Span[] = [];
  for (const { begin, end } of [...spans].sort((a, b) => a.begin - b.begin)) {
    const last = joined.at(-1);
    if (last && begin <= last.end) last.end = Math.max(last.end, end);
    else joined.push({ begin, end });
  }
  return joined;
}

function overlap(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.end, b.end) - Math.max(a.begin, b.begin));
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
