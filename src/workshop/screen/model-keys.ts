import { bodyHeight, lowest } from './extent.ts';
import { onward } from './model-stage.ts';
import { busy, checking, moved, passed, skipped, stageOf } from './moves.ts';
import { helpRows } from './overlay.ts';
import { hasCommands } from './page.ts';
import { lastPage, type Notice, type State, stepOf, type Update } from './state.ts';

/** Returns the state after a key, whose meaning depends on what is on the screen. */
export function pressed(state: State, key: string): Update {
  if (key === 'ctrl-c') return interrupted(state);
  if (key === 'ctrl-z') return { state, effects: [{ kind: 'suspend' }] };
  if (key === 'ctrl-l') return { state, effects: [{ kind: 'redraw' }] };
  if (state.stage?.active && !state.overlay) return key === 'escape' ? onStage(state, false) : onward(state);
  if (state.overlay) return inOverlay(state, key);
  return scrolled(state, key) ?? always(state, key) ?? (state.busy ? patience(state) : command(besideWire(state), key));
}

/** Shrinks a full-size wire pane to half: it would hide the page, where a key shows its effect. */
function besideWire(state: State): State {
  return state.wire?.size === 'full' ? { ...state, wire: { ...state.wire, size: 'half' } } : state;
}

/** Handles Ctrl-C: stops what runs, or leaves the workshop if nothing runs. */
function interrupted(state: State): Update {
  if (!state.busy) return { state, effects: [{ kind: 'leave', interrupted: true }] };
  return { state: { ...state, busy: { ...state.busy, stopping: true } }, effects: [{ kind: 'stop' }] };
}

function scrolled(state: State, key: string): Update | undefined {
  const by = scrollSteps(state)[key];
  if (by === undefined) return undefined;
  const scroll = Math.max(0, Math.min(state.scroll + by, lowest(state)));
  return only({ ...state, scroll, follow: undefined });
}

/** Returns how many rows each key scrolls. */
function scrollSteps(state: State): Record<string, number> {
  const page = Math.max(1, bodyHeight(state) - 2);
  const all = Number.MAX_SAFE_INTEGER;
  return { up: -1, down: 1, 'page-up': -page, 'page-down': page, space: page, home: -all, end: all };
}

/** Handles the keys that work even while something runs. */
function always(state: State, key: string): Update | undefined {
  if (key === 'w') return wire(state);
  if (key === 'f' && state.wire) return only({ ...state, wire: { ...state.wire, frozen: !state.wire.frozen } });
  if (key === '?') return only({ ...besideWire(state), overlay: { kind: 'help', scroll: 0 } });
  return undefined;
}

function wire(state: State): Update {
  if (!state.wire) return { state: { ...state, wire: { size: 'half', packets: [] } }, effects: [{ kind: 'watch' }] };
  if (state.wire.size === 'half') return only({ ...state, wire: { ...state.wire, size: 'full' } });
  return { state: { ...state, wire: undefined }, effects: [{ kind: 'unwatch' }] };
}

function patience(state: State): Update {
  return only({ ...state, notice: undefined });
}

function command(state: State, key: string): Update {
  const step = stepOf(state);
  switch (key) {
    case 'q':
      return { state, effects: [{ kind: 'leave', interrupted: false }] };
    case 'n':
    case 'enter':
      return next(state);
    case 's':
      return state.page < lastPage(state) ? skipped(state) : only(state);
    case 'b':
      return state.page > 0 ? moved(state, state.page - 1) : only(state);
    case 'l':
      return only({ ...state, overlay: { kind: 'list', chosen: state.page } });
    case '!':
      return { state, effects: [{ kind: 'shell' }] };
    case 'r':
      return only({ ...state, scroll: 0, follow: undefined, runs: {}, checked: undefined, notice: undefined });
    case 'p':
      return state.stage ? onStage(state, true) : only(state);
    case 'c':
      return checking(state);
    case 'h':
      return hint(state);
    case 'd':
      if (!step || !hasCommands(step)) return told(state, 'There are no commands to type here: n goes on.');
      return {
        state: { ...busy(state, 'run', 'Running'), runs: {}, checked: undefined, follow: 'run' },
        effects: [{ kind: 'run', step }],
      };
    case 'u':
      if (step?.undo === undefined) return told(state, 'There is nothing to take back here.');
      return only({ ...state, overlay: { kind: 'ask-undo' } });
    default:
      return told(state, /^[\w-]+$/.test(key) ? `${key} does nothing here: ? shows the keys.` : '? shows the keys.');
  }
}

/** Goes on if the check holds; else checks first, because going on by mistake costs the most. */
function next(state: State): Update {
  const step = stepOf(state);
  if (!step || step.check.length === 0 || state.done.has(step.name)) return passed(state);
  return checking(state);
}

function hint(state: State): Update {
  const step = stepOf(state);
  const shown = step ? (state.hints[step.name] ?? 0) : 0;
  if (!step || step.hints.length === 0) return told(state, 'There are no hints here.');
  if (shown >= step.hints.length) return told({ ...state, follow: 'hint' }, 'These are all hints. d does it for you.');
  const hints = { ...state.hints, [step.name]: shown + 1 };
  return { state: { ...state, hints, follow: 'hint', notice: undefined }, effects: [{ kind: 'save' }] };
}

function inOverlay(state: State, key: string): Update {
  const { overlay } = state;
  const closed = { ...state, overlay: undefined };
  const step = stepOf(state);
  switch (overlay?.kind) {
    case 'list':
      return inList(state, overlay.chosen, key);
    case 'ask-undo':
      if (key !== 'y') return only(closed);
      return step ? { state: busy(state, 'undo', 'Taking it back'), effects: [{ kind: 'undo', step }] } : only(closed);
    case 'ask-repeat': {
      if (key === 'q') return { state, effects: [{ kind: 'leave', interrupted: false }] };
      if (key !== 'y' && key !== 'n') return only(state);
      const done = new Set([...state.done].filter((name) => !overlay.lost.includes(name)));
      if (key === 'n') return { state: { ...closed, done }, effects: [{ kind: 'save' }] };
      const steps = state.text.steps.slice(0, state.page - 1);
      return { state: { ...busy(state, 'repeat', 'Doing it again'), done }, effects: [{ kind: 'repeat', steps }] };
    }
    case 'help': {
      const by = scrollSteps(state)[key];
      if (by === undefined) return only(closed);
      const most = Math.max(0, helpRows(state).length - bodyHeight(state));
      return only({ ...state, overlay: { kind: 'help', scroll: Math.max(0, Math.min(overlay.scroll + by, most)) } });
    }
    default:
      return only(closed);
  }
}

function inList(state: State, chosen: number, key: string): Update {
  const moves: Record<string, number> = { up: -1, down: 1, k: -1, j: 1, 'page-up': -8, 'page-down': 8 };
  const by = moves[key];
  if (by !== undefined) {
    const to = Math.max(0, Math.min(chosen + by, lastPage(state)));
    return only({ ...state, overlay: { kind: 'list', chosen: to } });
  }
  if (key === 'enter' || key === 'space') return moved(state, chosen);
  return ['escape', 'l', 'q'].includes(key) ? only({ ...state, overlay: undefined }) : only(state);
}

/** Switches between one key for everything and all the keys. */
function onStage(state: State, active: boolean): Update {
  if (!state.stage || state.stage.phase === 'running') return only(state);
  const stage = active ? stageOf({ ...state, stage: { ...state.stage, active } }) : { ...state.stage, active };
  return only({ ...state, stage, runs: active ? {} : state.runs, notice: undefined });
}

function told(state: State, text: string): Update {
  const notice: Notice = { kind: 'warning', text };
  return only({ ...state, notice });
}

function only(state: State): Update {
  return { state, effects: [] };
}
