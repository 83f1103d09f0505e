import { type Effect, lastPage, nextCommands, type Stage, type State, stepOf, type Update } from './state.ts';

/** Moves to the top of another page. */
export function moved(state: State, page: number): Update {
  const to = Math.max(0, Math.min(page, lastPage(state)));
  const next: State = {
    ...state,
    page: to,
    scroll: 0,
    follow: undefined,
    runs: {},
    checked: undefined,
    notice: undefined,
    overlay: undefined,
  };
  return { state: { ...next, stage: stageOf(next) }, effects: [{ kind: 'end-background' }, { kind: 'save' }] };
}

/** Returns a presenter's place at the beginning of a page; undefined if nobody presents. */
export function stageOf(state: State): Stage | undefined {
  const next = nextCommands(stepOf(state)?.blocks ?? [], 0);
  return state.stage && { active: state.stage.active, next, phase: 'waiting', typed: 0 };
}

/** Moves to the next page, and leaves the present step as it is. */
export function skipped(state: State): Update {
  const step = stepOf(state);
  if (!step || state.done.has(step.name)) return moved(state, state.page + 1);
  return moved({ ...state, skipped: new Set([...state.skipped, step.name]) }, state.page + 1);
}

/** Moves to the next page, and counts a step that has nothing to check as done. */
export function passed(state: State): Update {
  const step = stepOf(state);
  if (!step || step.check.length > 0) return moved(state, state.page + 1);
  return moved({ ...state, done: new Set([...state.done, step.name]) }, state.page + 1);
}

export function busy(state: State, doing: 'run' | 'check' | 'undo' | 'repeat', text: string): State {
  return { ...state, busy: { doing, text, since: state.now }, notice: undefined, overlay: undefined };
}

export function checking(state: State): Update {
  const step = stepOf(state);
  if (!step || step.check.length === 0) {
    return { state: { ...state, notice: { kind: 'warning', text: 'There is nothing to check here.' } }, effects: [] };
  }
  const effect: Effect = { kind: 'check', step };
  return { state: { ...busy(state, 'check', 'Checking'), checked: undefined }, effects: [effect] };
}
