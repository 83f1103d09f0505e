import { relative } from 'node:path';
import { ExitCode, Failure } from '../errors.ts';
import { printable } from '../text/printable.ts';

/** A spot in an input file; line and column count from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** A mistake in an input file. */
export interface Problem {
  place: Place;
  message: string;
  /** The remedy, if it is not obvious. */
  remedy?: string;
}

/** A message lists no more than this: a person corrects from the top. */
const MOST = 20;

/** All problems in input files as one failure. The problems themselves are kept for code that reads several parts of a file. */
export class InputFailure extends Failure {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], message: string, options: { remedy: string; cause?: unknown }) {
    super(ExitCode.usage, message, options);
    this.problems = problems;
  }
}

/** Makes one failure of all problems, exit status 2: one a line as `FILE:LINE:COLUMN: what is wrong`, in the order of the files. */
export function inputFailure(problems: readonly Problem[], cause?: unknown): InputFailure {
  const files = [...new Set(problems.map((problem) => problem.place.file))];
  const sorted = [...problems].sort(
    (a, b) =>
      files.indexOf(a.place.file) - files.indexOf(b.place.file) ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  );
  // Messages quote files, and a file must not begin a line of its own.
  const lines = [...new Set(sorted.map((problem) => printable(`${showPlace(problem.place)}: ${problem.message}`)))];
  const more = lines.length - MOST;
  const remedies = new Set(sorted.flatMap((problem) => problem.remedy ?? []));
  const [file] = files;
  return new InputFailure(problems, [...lines.slice(0, MOST), ...(more > 0 ? [`and ${more} more`] : [])].join('\n'), {
    remedy:
      remedies.size > 0 ? [...remedies].join('\n') : `Correct ${file ? showFile(file) : 'the file'} and try again.`,
    cause,
  });
}

/** Returns the result of `read`, or undefined if it finds problems, which are added to `problems`. */
export function collect<T>(problems: Problem[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputFailure)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** `FILE:LINE:COLUMN`, as editors and terminals make a link of. */
export function showPlace(place: Place): string {
  return `${showFile(place.file)}:${place.line}:${place.column}`;
}

/** Returns a file's path as a person would type it: relative if it lies in the present folder. */
export function showFile(file: string): string {
  const near = relative(process.cwd(), file);
  return near === '' || near.startsWith('..') ? file : near;
}
