import type { Readable, Writable } from 'node:stream';

/**
 * A command that runs somewhere else: on a node, or in a pod. The same shape on every engine, so that nothing above asks
 * where it runs. Ending `stdin` reaches the command; `kill` ends the connection, upon which the far side ends the command.
 */
export interface RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The exit status of the command; rejects when the connection broke before there was one. */
  readonly exited: Promise<number>;
  /** Tells the far side the size of the terminal; without a terminal it does nothing. */
  resize(columns: number, rows: number): void;
  kill(): void;
}

export interface RunOptions {
  /** Run the command on a terminal; its standard error then comes out of `stdout`. */
  tty?: boolean;
}
