import { parseLabText } from '../../../src/lab/lab-text.ts';
import type { Progress } from '../../../src/workshop/progress.ts';
import { begin } from '../../../src/workshop/screen/begin.ts';
import { update } from '../../../src/workshop/screen/model.ts';
import type { Effect, Event, Size, State } from '../../../src/workshop/screen/state.ts';
import type { Row } from '../../../src/workshop/screen/text/row.ts';

const TEXT = `---
title: not read here
---

# A lab about a file

What is written stays **written**.

## Write it

The word goes into a \`file\`:

\`\`\`sh
echo word > file.txt
cat file.txt
\`\`\`

\`\`\`text
an example of what it prints
\`\`\`

Then it is there.

\`\`\`yaml check
- run: cat file.txt
  prints: word
  otherwise: The file does not hold the word.
\`\`\`

<details><summary>Hint: where to look</summary>

Look into the notebook.

</details>

<details><summary>Hint: what to type</summary>

Type \`echo word > file.txt\`.

</details>

\`\`\`sh undo
rm -f file.txt
\`\`\`

## Only read, under ${'a heading that is wider than any terminal '.repeat(8)}

\`\`\`text picture
+${'-'.repeat(300)}+
\`\`\`

A page that has nothing to type, but ${'many words that fill it, one after the other, '.repeat(60)}until it ends.

## Twice

\`\`\`sh
echo first
\`\`\`

Between them.

\`\`\`sh
echo second
\`\`\`

\`\`\`yaml check
- run: 'true'
  otherwise: It never fails.
\`\`\`
`;

export const TEXT_OF_LAB = parseLabText(TEXT, 'lab.md');

interface Start {
  size?: Size;
  progress?: Partial<Progress>;
  present?: boolean;
  step?: string;
}

/** A workshop that is driven by keys and events, without terminal or lab. */
export class Driven {
  state: State;
  /** All that was to be done so far. */
  readonly effects: Effect[] = [];

  constructor({ size = { columns: 80, rows: 24 }, progress, present = false, step }: Start = {}) {
    const before = progress && { ...NO_PROGRESS, ...progress };
    const lab = { name: 'file', called: 'file', minutes: 5 };
    this.state = begin({ lab, text: TEXT_OF_LAB, size, progress: before, present, ...(step ? { step } : {}) });
  }

  happens(...events: Event[]): Effect[] {
    const effects = events.flatMap((event) => {
      const update_ = update(this.state, event);
      this.state = update_.state;
      return update_.effects;
    });
    this.effects.push(...effects);
    return effects;
  }

  /** Presses keys; gives the kinds of what is to be done for them. */
  press(...keys: string[]): string[] {
    return this.happens(...keys.map((key) => ({ kind: 'key' as const, key }))).map(({ kind }) => kind);
  }
}

const NO_PROGRESS: Progress = {
  version: 1,
  step: null,
  finished: false,
  done: [],
  skipped: [],
  hints: {},
  deployed: null,
};

export function textOf(rows: readonly Row[]): string {
  return rows.map(({ spans }) => spans.map(({ text }) => text).join('')).join('\n');
}
