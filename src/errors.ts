/** The meanings of wglab's exit status (README, "Exit codes"). */
export const ExitCode = {
  done: 0,
  claimFails: 1,
  usage: 2,
  inconclusive: 3,
  lacking: 4,
  labFailed: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Printed at the first Ctrl-C. */
export const INTERRUPTED_NOTE = 'interrupted: cleaning up (press Ctrl-C again to stop at once)';

interface FailureOptions {
  /** A sentence or a command that says what the person can do about it. */
  remedy?: string;
  /** The output of a failed tool, or other detail that is worth reading once something is wrong. */
  detail?: string;
  cause?: unknown;
}

/** An error that is explained to the person: what happened and why, what to do, and the exit status that says which kind it is. */
export class Failure extends Error {
  readonly exitCode: ExitCode;
  readonly remedy: string | undefined;
  readonly detail: string | undefined;

  constructor(exitCode: ExitCode, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'Failure';
    this.exitCode = exitCode;
    this.remedy = options.remedy;
    this.detail = options.detail;
  }
}

/** Wrong usage, or an input file that is wrong: exit status 2. */
export function usageFailure(message: string, options?: FailureOptions): Failure {
  return new Failure(ExitCode.usage, message, options);
}

/** This machine or cluster lacks something: exit status 4. */
export function lackingFailure(message: string, options?: FailureOptions): Failure {
  return new Failure(ExitCode.lacking, message, options);
}

/** The lab itself failed: exit status 5. */
export function labFailure(message: string, options?: FailureOptions): Failure {
  return new Failure(ExitCode.labFailed, message, options);
}

/** Returns the text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
