import { type Failure, lackingFailure, messageOf } from '../errors.ts';
import { isTerminal } from '../process/terminal.ts';
import { rendered } from '../text/style.ts';

/** A stream that commands write text to. Whatever they write is printable when it gets there. */
export interface Output {
  write(text: string): void;
  /** Erases the row that the cursor is in. */
  eraseRow(): void;
  /** How many columns there are now; undefined if this is no terminal, and lines may be as long as they are. */
  readonly columns: number | undefined;
  /** Calls a function once nobody can read what is written any more, or at once if that is so already. */
  onLoss(listener: (loss: Loss) => void): void;
  /** The stream itself, for bytes that are not ours to change. */
  readonly stream: NodeJS.WriteStream;
}

/** Why nobody reads a stream any more: its reader ended, its terminal was closed, or it could not be written. */
export type Loss = 'reader' | 'terminal' | 'storage';

/** One of the two standard streams, until it is lost; from then on nothing more is written to it. */
export class StandardOutput implements Output {
  readonly stream: NodeJS.WriteStream;
  readonly #name: string;
  readonly #listeners = new Set<(loss: Loss) => void>();
  #lost: Loss | undefined;
  #failure: Failure | undefined;

  constructor(stream: NodeJS.WriteStream, name: string) {
    this.stream = stream;
    this.#name = name;
    stream.on('error', (error: NodeJS.ErrnoException) => this.#lose(error));
  }

  get columns(): number | undefined {
    return isTerminal(this.stream) ? this.stream.columns : undefined;
  }

  /** The error that kept the output from being written; a reader that has read enough is none. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  write(text: string): void {
    if (this.#lost === undefined && text !== '') this.stream.write(rendered(text));
  }

  eraseRow(): void {
    if (this.#lost === undefined) this.stream.write(ERASE_ROW);
  }

  onLoss(listener: (loss: Loss) => void): void {
    this.#listeners.add(listener);
    if (this.#lost !== undefined) listener(this.#lost);
  }

  /** Resolves when all that was written has left this process. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.stream.write('', () => resolve()));
  }

  #lose(error: NodeJS.ErrnoException): void {
    if (this.#lost !== undefined) return;
    this.#lost = LOSSES[error.code ?? ''] ?? 'storage';
    if (this.#lost === 'storage') {
      const why = error.code === 'ENOSPC' ? 'the disk is full' : messageOf(error);
      this.#failure = lackingFailure(`cannot write ${this.#name}: ${why}`, { cause: error });
    }
    for (const listener of this.#listeners) listener(this.#lost);
  }
}

/** To the first column, and erases the row (ECMA-48, EL). */
const ERASE_ROW = '\r\u001b[K';

const LOSSES: Readonly<Record<string, Loss>> = {
  EPIPE: 'reader',
  ECONNRESET: 'reader',
  ERR_STREAM_DESTROYED: 'reader',
  EIO: 'terminal',
  ENXIO: 'terminal',
};

/** Data. */
export const standardOutput = new StandardOutput(process.stdout, 'standard output');

/** Everything else. */
export const standardError = new StandardOutput(process.stderr, 'standard error');

/** Takes the place of standard error if nothing but errors is wanted there. */
export const silentOutput: Output = {
  write: () => undefined,
  eraseRow: () => undefined,
  onLoss: () => undefined,
  columns: undefined,
  stream: process.stderr,
};
