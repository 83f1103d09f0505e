import { bodyHeight, lowest } from './extent.ts';
import { busy, checking, passed, skipped } from './moves.ts';
import { lastPage, type State, stepOf, type Update } from './state.ts';

/** Takes a presenter's next action, after any key. */
export function onward(state: State): Update {
  const { stage } = state;
  const step = stepOf(state);
  if (!stage || state.busy) return { state, effects: [] };
  if (!step) {
    if (state.page >= lastPage(state)) return { state, effects: [{ kind: 'leave', interrupted: false }] };
    return scrolled(state) ?? passed(state);
  }
  const block = step.blocks[stage.next];
  if (block?.kind !== 'commands') return afterCommands(state);
  switch (stage.phase) {
    case 'waiting':
      return {
        state: { ...state, stage: { ...stage, phase: 'typing', typed: 0 }, follow: 'run', notice: undefined },
        effects: [{ kind: 'type' }],
      };
    case 'typing':
      return { state: { ...state, stage: { ...stage, phase: 'typed', typed: block.script.length } }, effects: [] };
    case 'typed':
      return {
        state: { ...busy(state, 'run', 'Running'), stage: { ...stage, phase: 'running' }, follow: 'run' },
        effects: [{ kind: 'run-block', step, block: stage.next }],
      };
    case 'running':
      return { state, effects: [] };
  }
}

/** Types one more character. */
export function typedOne(state: State): Update {
  const { stage } = state;
  const block = stepOf(state)?.blocks[stage?.next ?? -1];
  if (stage?.phase !== 'typing' || block?.kind !== 'commands') return { state, effects: [] };
  const typed = stage.typed + 1;
  const whole = typed >= block.script.length;
  return {
    state: { ...state, stage: { ...stage, typed, phase: whole ? 'typed' : 'typing' } },
    effects: whole ? [] : [{ kind: 'type' }],
  };
}

/** Shows the rest of the page, then its check, then the next page, even if the check does not hold: the audience is waiting. */
function afterCommands(state: State): Update {
  const step = stepOf(state);
  if (step && step.check.length > 0 && !state.checked) return scrolled(state) ?? checking(state);
  return state.checked?.some(({ holds }) => !holds) ? skipped(state) : (scrolled(state) ?? passed(state));
}

/** Scrolls a page further down, if there is more to see. */
function scrolled(state: State): Update | undefined {
  const end = lowest(state);
  if (state.scroll >= end) return undefined;
  const scroll = Math.min(end, state.scroll + Math.max(1, bodyHeight(state) - 2));
  return { state: { ...state, scroll, follow: undefined }, effects: [] };
}
