/** The owner of a part of the time: a tool's or a download's, or the cluster's while it gets ready. All else is wglab's own. */
export type TimedBy = 'tool' | 'cluster';

/** Does work that is not wglab's own, so that its time can be reported apart. */
export type Timed = <T>(name: string, of: TimedBy, work: () => Promise<T>) => Promise<T>;

/** Receives what long work has to say while it runs. */
export interface Reporter {
  /** A new step begins. */
  step(text: string): void;
  /** The present step waits for this. */
  update(text: string): void;
  /** A line that the user must be able to read however the work ends. */
  info(text: string): void;
  readonly timed: Timed;
}
