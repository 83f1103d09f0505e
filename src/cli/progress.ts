import type { Palette } from '../text/style.ts';
import { shorten } from '../text/width.ts';
import type { Output } from './output.ts';

/** Reports to a person what is being done. One step at a time; `info` is for what is not a step. */
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

/** The step that is being done. */
interface Present {
  text: string;
  /** The thing that it waits for now; empty if it has not said. */
  now: string;
  began: number;
  timer: NodeJS.Timeout;
}

/** How a kind of progress shows a step while it lasts. */
interface Show {
  everyMs: number;
  show(present: Present): void;
  /** Removes what was shown, so that a line can be written in its place. */
  clear(): void;
}

/** How often a step that takes long is repeated in a log, in ms. */
const AGAIN_MS = 10_000;

/**
 * Writes a line when a step ends, with the time it took: for logs, files and terminals without motion. A step that lasts says every
 * ten seconds what it waits for, so that nobody takes it for dead.
 */
export function plainProgress(output: Pick<Output, 'write'>, palette: Palette, againMs: number = AGAIN_MS): Progress {
  return progressWith(output, palette, {
    everyMs: againMs,
    show({ text, now, began }) {
      output.write(`${palette.dim(`… ${text}: ${now || 'not done yet'}, ${seconds(began)} so far`)}\n`);
    },
    clear: () => undefined,
  });
}

const PICTURES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** How long one picture of the spinner is shown, in ms: what is done before the first one shows no spinner at all. */
const PICTURE_MS = 200;

/**
 * The same with a spinner while a step lasts. It is always on one row: drawing is a carriage return and at most one row of text, so
 * that no size of a terminal makes it write more than that.
 */
export function spinningProgress(output: Pick<Output, 'write' | 'columns' | 'eraseRow'>, palette: Palette): Progress {
  let count = 0;
  let drawn = false;
  const clear = () => {
    if (drawn) output.eraseRow();
    drawn = false;
  };
  return progressWith(output, palette, {
    everyMs: PICTURE_MS,
    show({ text, now }) {
      const { columns } = output;
      if (columns === undefined) return;
      clear();
      const picture = PICTURES[count++ % PICTURES.length] ?? '';
      // In the last column, a terminal would go on in the next row.
      output.write(shorten(`${palette.cyan(picture)} ${text} ${palette.dim(now)}`.trimEnd(), columns - 1));
      drawn = true;
    },
    clear,
  });
}

function progressWith(output: Pick<Output, 'write'>, palette: Palette, { everyMs, show, clear }: Show): Progress {
  let present: Present | undefined;
  const end = (mark: string, text?: string) => {
    if (!present) return;
    const { began, timer } = present;
    clearInterval(timer);
    clear();
    output.write(`${mark} ${text ?? present.text} ${palette.dim(seconds(began))}\n`);
    present = undefined;
  };
  const draw = () => present && show(present);
  return {
    step(text) {
      end(palette.green('✓'));
      present = { text, now: '', began: performance.now(), timer: setInterval(draw, everyMs).unref() };
    },
    update(text) {
      if (present) present.now = text;
    },
    done: (text) => end(palette.green('✓'), text),
    failed: () => end(palette.red('✗')),
    info(text) {
      clear();
      output.write(`${text}\n`);
    },
  };
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}
