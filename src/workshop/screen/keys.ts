/** A key that was pressed (`d`, `up`, `page-down`, `ctrl-c`), or that text was pasted. */
export type Pressed = { kind: 'key'; key: string } | { kind: 'paste' };

/**
 * Returns the keys in what a terminal sent. Pasted text counts as no keys: a pasted command must not trigger what its letters mean. `rest`
 * is the beginning of a sequence whose end has not arrived; nothing else is held back.
 */
export function keysOf(text: string): { pressed: Pressed[]; rest: string } {
  const pressed: Pressed[] = [];
  let rest = text;
  while (rest !== '') {
    if (rest.startsWith(PASTE_BEGINS)) {
      const end = rest.indexOf(PASTE_ENDS);
      if (end < 0) return { pressed, rest };
      pressed.push({ kind: 'paste' });
      rest = rest.slice(end + PASTE_ENDS.length);
      continue;
    }
    const sequence = SEQUENCE.exec(rest)?.[0] ?? Array.from(rest)[0] ?? '';
    const key = NAMES[sequence] ?? (sequence.length === 1 || !sequence.startsWith(ESCAPE) ? sequence : undefined);
    if (key !== undefined) pressed.push({ kind: 'key', key });
    rest = rest.slice(sequence.length);
  }
  return { pressed, rest };
}

const ESCAPE = '\u001b';
/** Bracketed paste, which the terminal is asked for (xterm's control sequences, "Bracketed Paste Mode"). */
const PASTE_BEGINS = '\u001b[200~';
const PASTE_ENDS = '\u001b[201~';

// biome-ignore lint/suspicious/noControlCharactersInRegex: what keys send begins with one
const SEQUENCE = /^\u001b(?:\[[0-9;?]*[ -/]*[@-~]|O[@-~]|[^\u001b[O])/;

const NAMES: Record<string, string> = {
  [ESCAPE]: 'escape',
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[C': 'right',
  '\u001bOC': 'right',
  '\u001b[D': 'left',
  '\u001bOD': 'left',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'home',
  '\u001bOH': 'home',
  '\u001b[1~': 'home',
  '\u001b[F': 'end',
  '\u001bOF': 'end',
  '\u001b[4~': 'end',
  ' ': 'space',
  '\r': 'enter',
  '\n': 'enter',
  '\u0003': 'ctrl-c',
  '\u000c': 'ctrl-l',
  '\u001a': 'ctrl-z',
  '\u0004': 'ctrl-d',
  '\u007f': 'backspace',
};
