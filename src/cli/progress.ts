import type { ChalkInstance } from 'chalk';
import type { Ora } from 'ora';

/** Tells a person what is being done. One step at a time; `info` is for what is not a step. */
export interface Progress {
  /** Ends the step before as done and begins one. */
  step(text: string): void;
  /** Changes the words of the present step: what it waits for now. */
  update(text: string): void;
  /** Ends the present step as done. */
  done(text?: string): void;
  /** Ends the present step as failed. */
  failed(): void;
  info(text: string): void;
}

export const silentProgress: Progress = {
  step: () => undefined,
  update: () => undefined,
  done: () => undefined,
  failed: () => undefined,
  info: () => undefined,
};

/** How often a step that takes long says in a log what it waits for, in ms. */
const AGAIN_MS = 10_000;

/**
 * A line when a step ends, with the time it took: for logs, files and terminals without motion. A step that waits says every
 * ten seconds for what, so that nobody takes it for dead.
 */
export function plainProgress(
  stream: NodeJS.WritableStream,
  palette: ChalkInstance,
  againMs: number = AGAIN_MS,
): Progress {
  let present: { text: string; began: number; now: string; timer: NodeJS.Timeout } | undefined;
  const still = () => {
    if (!present) return;
    const { text, began, now } = present;
    stream.write(`${palette.dim(`… ${text}: ${now || 'not done yet'}, ${seconds(began)} so far`)}\n`);
  };
  const end = (mark: string, text?: string) => {
    if (!present) return;
    clearInterval(present.timer);
    stream.write(`${mark} ${text ?? present.text} ${palette.dim(seconds(present.began))}\n`);
    present = undefined;
  };
  return {
    step(text) {
      end(palette.green('✓'));
      present = { text, began: performance.now(), now: '', timer: setInterval(still, againMs).unref() };
    },
    update(text) {
      if (present) present.now = text;
    },
    done: (text) => end(palette.green('✓'), text),
    failed: () => end(palette.red('✗')),
    info: (text) => void stream.write(`${text}\n`),
  };
}

/** The same with a spinner while a step lasts. ora must not touch stdin, or Ctrl-C dies with it (sindresorhus/ora#253). */
export async function spinningProgress(stream: NodeJS.WritableStream, palette: ChalkInstance): Promise<Progress> {
  const { default: ora } = await import('ora');
  let present: { text: string; began: number; spinner: Ora } | undefined;
  const end = (mark: string, text?: string) => {
    if (!present) return;
    present.spinner.stop();
    stream.write(`${mark} ${text ?? present.text} ${palette.dim(seconds(present.began))}\n`);
    present = undefined;
  };
  return {
    step(text) {
      end(palette.green('✓'));
      present = { text, began: performance.now(), spinner: ora({ text, stream, discardStdin: false }).start() };
    },
    update(text) {
      if (present) present.spinner.text = `${present.text} ${palette.dim(text)}`;
    },
    done: (text) => end(palette.green('✓'), text),
    failed: () => end(palette.red('✗')),
    info(text) {
      present?.spinner.clear();
      stream.write(`${text}\n`);
    },
  };
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}
