import { writeSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import { keysOf, type Pressed } from './keys.ts';
import type { Size } from './state.ts';
import { drawing } from './text/drawing.ts';
import type { Row } from './text/row.ts';

/** The alternate screen, no cursor, pasted text marked (xterm's control sequences: 1049, 25, 2004). */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?2004h\u001b[2J';
const LEAVE = '\u001b[0m\u001b[?2004l\u001b[?25h\u001b[?1049l';

/** The rest of a key's sequence comes at once; a person's next key does not. In ms. */
const REST_OF_KEY_MS = 50;
const REST_OF_PASTE_MS = 1_000;

type Output = WriteStream & { fd: number };

interface TerminalListener {
  pressed(pressed: Pressed): void;
  /** The terminal was closed: no key will come, and nothing can be shown. */
  gone(): void;
}

const GONE = ['end', 'close', 'error'] as const;

/** Reads keys from the terminal and shows rows on it. After `leave` it is as it was before, and `enter` may follow again. */
export class Terminal {
  readonly #input: ReadStream;
  readonly #output: Output;
  readonly #colours: boolean;
  readonly #pressed: (pressed: Pressed) => void;
  readonly #gone: () => void;
  #shown: readonly Row[] | undefined;
  #typed = '';
  #timer: NodeJS.Timeout | undefined;
  #entered = false;

  constructor(input: ReadStream, output: Output, colours: boolean, on: TerminalListener) {
    this.#input = input;
    this.#output = output;
    this.#colours = colours;
    this.#pressed = on.pressed;
    this.#gone = on.gone;
  }

  get size(): Size {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  enter(): void {
    if (this.#entered) return;
    this.#entered = true;
    // However the program ends, this runs first: Node prints an uncaught error only after it.
    process.on('exit', this.leave);
    for (const event of GONE) {
      this.#input.on(event, this.#hungUp);
      this.#output.on(event, this.#hungUp);
    }
    this.#input.setRawMode(true);
    this.#input.on('data', this.#received);
    this.#input.resume();
    this.#output.write(ENTER);
    this.#shown = undefined;
  }

  readonly leave = (): void => {
    if (!this.#entered) return;
    this.#entered = false;
    process.off('exit', this.leave);
    clearTimeout(this.#timer);
    this.#typed = '';
    this.#input.off('data', this.#received);
    this.#input.pause();
    this.#write(LEAVE);
    this.#input.setRawMode(false);
    for (const event of GONE) {
      this.#input.off(event, this.#hungUp);
      this.#output.off(event, this.#hungUp);
    }
  };

  /** In raw mode no key ends the input: a terminal that was closed does. */
  readonly #hungUp = (): void => {
    this.leave();
    this.#gone();
  };

  /** Shows these rows; only what is different is written. */
  draw(rows: readonly Row[]): void {
    if (!this.#entered) return;
    const text = drawing(this.#shown, rows, this.size.columns, this.#colours);
    this.#shown = rows;
    if (text !== '') this.#output.write(text);
  }

  /** Forgets what the terminal shows, when that is no longer certain. */
  forget(): void {
    this.#shown = undefined;
  }

  /** Writes without the stream, whose errors come too late: a terminal that was closed (EIO) needs nothing any more. */
  #write(text: string): void {
    try {
      writeSync(this.#output.fd, text);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') this.#output.write(text);
    }
  }

  readonly #received = (chunk: Buffer | string): void => {
    clearTimeout(this.#timer);
    this.#typed += chunk.toString();
    if (UNFINISHED.test(this.#typed)) this.#timer = setTimeout(this.#interpret, REST_OF_KEY_MS);
    else this.#interpret();
  };

  readonly #interpret = (): void => {
    const { pressed, rest } = keysOf(this.#typed);
    this.#typed = rest;
    if (rest !== '') this.#timer = setTimeout(this.#endPaste, REST_OF_PASTE_MS);
    for (const one of pressed) this.#pressed(one);
  };

  readonly #endPaste = (): void => {
    this.#typed = '';
    this.#pressed({ kind: 'paste' });
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what keys send begins with one
const UNFINISHED = /\u001b(?:\[[0-9;?]*|O)?$/;
