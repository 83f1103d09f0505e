import { lowest } from './extent.ts';
import { hasCommands } from './page.ts';
import { lastPage, type State, stepOf } from './state.ts';

export interface Key {
  key: string;
  does: string;
  /** On a narrow terminal, the keys with the lowest rank stay. */
  rank: number;
}

/** Returns the keys that do something now. */
export function keysFor(state: State): Key[] {
  const { overlay, busy, stage, page, wire } = state;
  if (overlay?.kind === 'list') return keys(['↑↓', 'choose'], ['Enter', 'go there'], ['Esc', 'close']);
  if (overlay?.kind === 'help') return keys(['↑↓', 'scroll'], ['any other key', 'closes']);
  if (overlay) return keys(['y', 'yes'], ['n', 'no']);
  if (stage?.active) return keys(['any key', stageNext(state)], ['Esc', 'all keys']);
  if (busy) return keys(['Ctrl-C', 'stops it'], ['w', 'wire'], ['?', 'help']);
  const step = stepOf(state);
  const hints = step ? step.hints.length - (state.hints[step.name] ?? 0) : 0;
  const has = {
    d: step !== undefined && hasCommands(step),
    c: (step?.check.length ?? 0) > 0,
    h: hints > 0,
    n: page < lastPage(state),
    b: page > 0,
    p: stage !== undefined,
  };
  const all: [string, string, number, boolean][] = [
    ['d', 'do it for me', 2, has.d],
    ['c', 'check', 3, has.c],
    ['h', 'hint', 6, has.h],
    ['n', page === 0 ? 'begin' : 'next', 1, has.n],
    ['b', 'back', 7, has.b],
    ['w', wire ? (wire.size === 'half' ? 'larger' : 'wire off') : 'wire', 8, true],
    ['f', wire?.frozen ? 'go on' : 'freeze', 7.5, wire !== undefined],
    ['!', 'shell', 9, true],
    ['l', 'list', 10, true],
    ['p', 'present', 0, has.p],
    ['?', 'help', 4, true],
    ['q', 'quit', 5, true],
  ];
  return all.filter(([, , , there]) => there).map(([key, does, rank]) => ({ key, does, rank }));
}

function keys(...pairs: [string, string][]): Key[] {
  return pairs.map(([key, does], rank) => ({ key, does, rank }));
}

/** Says what a presenter's next key press does. */
function stageNext(state: State): string {
  const { stage, busy, page } = state;
  const step = stepOf(state);
  if (busy) return 'waits';
  if (!stage || !step) return page === 0 ? 'begins' : page < lastPage(state) ? 'goes on' : 'quits';
  if (stage.phase === 'typing') return 'types the rest';
  if (stage.phase === 'typed') return 'runs it';
  if (stage.next < step.blocks.length) return 'types';
  if (state.scroll < lowest(state) && !state.checked) return 'shows more';
  return step.check.length > 0 && !state.checked ? 'checks' : 'goes on';
}

/** All keys, for the page of help. */
export const ALL_KEYS: readonly (readonly [key: string, does: string])[] = [
  ['d', 'Do it for me: runs the commands of this step, exactly as they stand there.'],
  ['c', 'Check whether it happened.'],
  ['h', 'A hint; the next one each time.'],
  ['n, Enter', 'Next step. Checks first, where you have not.'],
  ['s', 'Skip this step.'],
  ['b', 'Back to the step before.'],
  ['r', 'Show again: this page from its top, without what was printed.'],
  ['u', 'Undo: take back what this step did; asks first.'],
  ['!', 'A shell on the lab: kubectl and wglab mean this lab there. exit leads back.'],
  ['w', 'The wire: every packet between the nodes, secrets marked. Again: larger; again: away.'],
  ['f', 'Freeze the wire, to read; again: go on.'],
  ['l', 'List of the steps, to choose one.'],
  ['↑ ↓ space PgUp PgDn', 'Scroll; Home and End too.'],
  ['Ctrl-C', 'Stops what runs; where nothing runs, quits.'],
  ['q', 'Quit. Your place is kept.'],
];
