import type { Block } from '../lab/step.ts';
import type { Job } from './job.ts';

export type CommandsBlock = Extract<Block, { kind: 'commands' }>;

/** The outcome of a block of commands. */
export interface BlockRun {
  block: CommandsBlock;
  /** Its exit status; null for a block in the background that is running, or that was ended because its step was over. */
  status: number | null;
  /** Everything that it printed, on both streams. */
  output: string;
  /** The output of each command, up to the first that failed. */
  commands: { text: string; output: string }[];
  /** The reason, if it was ended from outside. */
  problem?: string;
}

/** A block in the background; `run` returns its outcome until now. */
export interface Background {
  job: Job;
  run(status: number | null): BlockRun;
}
