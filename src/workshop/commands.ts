import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/**
 * Returns the commands of a script one by one, as a person types them: each is the lines that belong together, with the comment above.
 * Bash itself says which lines are a complete command, because only bash knows its quotes and here-documents.
 */
export function commandsIn(script: string): string[] {
  const commands: string[] = [];
  let open: string[] = [];
  for (const line of script.split('\n')) {
    if (open.length === 0 && line.trim() === '') continue;
    open.push(line);
    const onlyComments = open.every((each) => /^\s*(#|$)/.test(each));
    if (onlyComments || /(?:^|[^\\])(?:\\\\)*\\$/.test(line) || !isWhole(open.join('\n'))) continue;
    commands.push(open.join('\n'));
    open = [];
  }
  const rest = open.join('\n').trimEnd();
  return rest === '' ? commands : [...commands, rest];
}

/** Returns whether bash takes a script as complete: about a here-document that does not end, it only warns. */
function isWhole(script: string): boolean {
  const { status, stderr } = spawnSync('bash', ['-n', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  return status === 0 && stderr.length === 0;
}

/** A script whose output shows where the output of one command ends and the next one's begins. */
export interface MarkedScript {
  commands: string[];
  script: string;
  mark: string;
}

export function markedScript(script: string): MarkedScript {
  const mark = `\u001e${randomBytes(8).toString('hex')}\u001e`;
  // A mark between two commands would change $? and $_.
  const commands = /\$[?_]|PIPESTATUS/.test(script) ? [script.trim()] : commandsIn(script);
  const between = `\nprintf '\\036${mark.slice(1, -1)}\\036'\n`;
  return { commands, script: commands.join(between), mark };
}

/** Removes the marks from a stream of output: `output` gets what is between them, `next` is called for each. */
export class MarkFilter {
  readonly #mark: Buffer;
  readonly #output: (chunk: Buffer) => void;
  readonly #next: () => void;
  #held = Buffer.alloc(0);

  constructor(mark: string, output: (chunk: Buffer) => void, next: () => void) {
    this.#mark = Buffer.from(mark);
    this.#output = output;
    this.#next = next;
  }

  write(chunk: Buffer): void {
    let rest = Buffer.concat([this.#held, chunk]);
    for (let at = rest.indexOf(this.#mark); at >= 0; at = rest.indexOf(this.#mark)) {
      this.#give(rest.subarray(0, at));
      this.#next();
      rest = rest.subarray(at + this.#mark.length);
    }
    const begun = this.#beginningAtEnd(rest);
    this.#give(rest.subarray(0, rest.length - begun));
    this.#held = rest.subarray(rest.length - begun);
  }

  /** Ends the stream: no more output follows. */
  end(): void {
    this.#give(this.#held);
    this.#held = Buffer.alloc(0);
  }

  #give(part: Buffer): void {
    if (part.length > 0) this.#output(part);
  }

  /** Returns how many bytes at the end may be the beginning of a mark. */
  #beginningAtEnd(data: Buffer): number {
    for (let length = Math.min(this.#mark.length - 1, data.length); length > 0; length--) {
      if (data.subarray(data.length - length).equals(this.#mark.subarray(0, length))) return length;
    }
    return 0;
  }
}
