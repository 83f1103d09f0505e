import { bodyHeight, lowest } from './extent.ts';
import { pressed } from './model-keys.ts';
import { typedOne } from './model-stage.ts';
import { moved } from './moves.ts';
import { pageOf } from './page.ts';
import { type Event, type Notice, nextCommands, type State, stepOf, type Update, type Wire } from './state.ts';

/** How many characters of a command's output are kept for the page. */
const KEPT_OUTPUT = 40_000;
const KEPT_PACKETS = 200;

/** Returns the new state after an event, and the effects to carry out. */
export function update(state: State, event: Event): Update {
  const { state: next, effects } = happened(state, event);
  return { state: settled(next), effects };
}

function happened(state: State, event: Event): Update {
  switch (event.kind) {
    case 'key':
      return pressed(state, event.key);
    case 'paste':
      return only({ ...state, notice: PASTED });
    case 'resize':
      return only({ ...state, size: event.size });
    case 'tick':
      return only(state);
    case 'typed':
      return typedOne(state);
    case 'block':
      return only({ ...state, runs: { ...state.runs, [event.block]: { commands: [] } }, follow: 'run' });
    case 'command':
      return only(withCommand(state, event.block, event.text));
    case 'output':
      return only(withOutput(state, event.block, event.text));
    case 'block-ended':
      return only(blockEnded(state, event.block, event.status));
    case 'ran':
      return only(ran(state));
    case 'checked':
      return checked(state, event.conditions);
    case 'undone':
      return undone(state);
    case 'surveyed':
      return surveyed(state, event.lost);
    case 'repeating':
      return only({ ...state, busy: state.busy && { ...state.busy, text: `Doing again: ${event.step.title}` } });
    case 'repeated':
      return repeated(state, event);
    case 'failed':
      return only(idle(state, { kind: 'bad', text: event.message }));
    case 'unsaved':
      return only({ ...state, notice: { kind: 'bad', text: `Your place is not kept: ${event.message}` } });
    case 'stopped':
      return only(idle(state, { kind: 'warning', text: 'Stopped.' }));
    case 'encryption':
      return only({ ...state, encryption: event.state });
    case 'packets':
      return only(withWire(state, { problem: undefined, packets: event.packets }));
    case 'wire-ended':
      return only(withWire(state, { problem: event.problem, packets: [] }));
  }
}

const PASTED: Notice = { kind: 'warning', text: 'Pasted text is not typed here: press ! for a shell on the lab.' };

function only(state: State): Update {
  return { state, effects: [] };
}

/** Scrolls so that what grows is in sight, and never past the end. */
function settled(state: State): State {
  const end = lowest(state);
  const part = state.follow && pageOf(state).parts[state.follow];
  if (!part) return state.scroll > end ? { ...state, scroll: end } : state;
  const [from, to] = part;
  const height = bodyHeight(state);
  // Shows all of the part if it fits; else the end of output, which grows, or the beginning of words. A part in sight moves nothing.
  const top = Math.min(Math.max(state.scroll, to - height), to - from <= height || state.follow !== 'run' ? from : to);
  return { ...state, scroll: Math.max(0, Math.min(top, end)) };
}

function withWire(state: State, { problem, packets }: Pick<Wire, 'packets' | 'problem'>): State {
  if (!state.wire || (state.wire.frozen && problem === undefined)) return state;
  return {
    ...state,
    wire: { ...state.wire, problem, packets: [...state.wire.packets, ...packets].slice(-KEPT_PACKETS) },
  };
}

function idle(state: State, notice?: Notice): State {
  const stage = state.stage?.phase === 'running' ? { ...state.stage, phase: 'typed' as const } : state.stage;
  return { ...state, busy: undefined, notice, stage };
}

function withCommand(state: State, block: number, text: string): State {
  const run = state.runs[block];
  if (!run) return state;
  return { ...state, runs: { ...state.runs, [block]: { ...run, commands: [...run.commands, { text, output: '' }] } } };
}

function withOutput(state: State, block: number, text: string): State {
  const run = state.runs[block];
  const last = run?.commands.at(-1);
  if (!run || !last) return state;
  const output = (last.output + text).slice(-KEPT_OUTPUT);
  const commands = [...run.commands.slice(0, -1), { ...last, output }];
  return { ...state, runs: { ...state.runs, [block]: { ...run, commands } } };
}

function blockEnded(state: State, block: number, status: number): State {
  const run = state.runs[block] ?? { commands: [] };
  const next = { ...state, runs: { ...state.runs, [block]: { ...run, status } } };
  const step = stepOf(state);
  if (state.stage?.phase !== 'running' || !step) return next;
  const stage = { ...state.stage, phase: 'waiting' as const, typed: 0, next: nextCommands(step.blocks, block + 1) };
  const notice: Notice | undefined =
    status === 0 ? undefined : { kind: 'bad', text: `It ended with status ${status}.` };
  return { ...next, stage, busy: undefined, notice };
}

function ran(state: State): State {
  const step = stepOf(state);
  const failed = Object.values(state.runs).some(({ status = 0 }) => status !== 0);
  const hint = (step?.hints.length ?? 0) > 0 ? 'h gives a hint.' : 'Its output says why.';
  const before = state.text.steps.slice(0, state.page - 1).findIndex(({ name }) => !state.done.has(name)) + 1;
  const why = before > 0 ? `It may need step ${before}, which is not done.` : hint;
  if (failed) return idle(state, { kind: 'bad', text: `A command failed. ${why}` });
  const next = (step?.check.length ?? 0) > 0 ? 'c checks it.' : 'n goes on.';
  return idle(state, { kind: 'good', text: `Done. ${next}` });
}

function checked(state: State, conditions: Extract<Event, { kind: 'checked' }>['conditions']): Update {
  const step = stepOf(state);
  if (!step) return only(idle(state));
  const holds = conditions.every((one) => one.holds);
  const done = new Set(state.done);
  const skipped = new Set(state.skipped);
  if (holds) {
    done.add(step.name);
    skipped.delete(step.name);
  } else done.delete(step.name);
  const more = (state.hints[step.name] ?? 0) < step.hints.length;
  const remedy = more ? 'h gives a hint, d does it for you.' : 'd does it for you.';
  const notice: Notice = holds
    ? { kind: 'good', text: state.stage?.active ? '✓ Checked.' : '✓ Checked. n goes on.' }
    : { kind: 'bad', text: state.stage?.active ? '✗ Not yet.' : `✗ Not yet. ${remedy}` };
  const next = { ...idle(state, notice), checked: conditions, follow: 'check' as const, done, skipped };
  return { state: next, effects: [{ kind: 'save' }] };
}

function undone(state: State): Update {
  const step = stepOf(state);
  const done = new Set(state.done);
  if (step) done.delete(step.name);
  const notice: Notice = { kind: 'good', text: 'Taken back.' };
  const next = { ...idle(state, notice), done, runs: {}, checked: undefined, follow: undefined, scroll: 0 };
  return { state: next, effects: [{ kind: 'save' }] };
}

function surveyed(state: State, lost: readonly string[]): Update {
  if (lost.length === 0) return { state: idle(state), effects: [{ kind: 'save' }] };
  return only({ ...idle(state), overlay: { kind: 'ask-repeat', lost } });
}

function repeated(state: State, { holding, problem }: Extract<Event, { kind: 'repeated' }>): Update {
  const done = new Set([...state.done, ...holding]);
  const next = { ...idle(state), done };
  if (problem === undefined) {
    const notice: Notice = { kind: 'good', text: 'The earlier steps hold again.' };
    return { state: { ...next, notice }, effects: [{ kind: 'save' }] };
  }
  // Goes back to the first step that does not hold.
  const stuck = state.text.steps.findIndex(({ name }) => !done.has(name)) + 1;
  const back = moved(next, stuck > 0 ? Math.min(stuck, state.page) : state.page);
  return { ...back, state: { ...back.state, notice: { kind: 'bad', text: problem } } };
}
