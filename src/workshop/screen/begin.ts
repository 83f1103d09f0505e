import type { LabText } from '../../lab/lab-text.ts';
import type { Progress } from '../progress.ts';
import { stageOf } from './moves.ts';
import { type LabHead, lastPage, type Size, type State } from './state.ts';

interface Beginning {
  lab: LabHead;
  text: LabText;
  size: Size;
  progress: Progress | undefined;
  present: boolean;
  /** The name of the step to begin at, instead of where the learner was. */
  step?: string;
}

/** Returns the state in which a workshop begins: where the learner was, as far as the lab still has these steps. */
export function begin({ lab, text, size, progress, present, step }: Beginning): State {
  const names = new Set(text.steps.map(({ name }) => name));
  const known = (list: readonly string[] = []) => new Set(list.filter((name) => names.has(name)));
  const wanted = step ?? progress?.step;
  const found = text.steps.findIndex(({ name }) => name === wanted) + 1;
  const page = progress?.finished && step === undefined ? lastPage({ text }) : found;
  const state: State = {
    lab,
    text,
    size,
    page,
    scroll: 0,
    done: known(progress?.done),
    skipped: known(progress?.skipped),
    hints: progress?.hints ?? {},
    runs: {},
    now: 0,
    encryption: 'unknown',
    ...(page > 0 && step === undefined && { notice: { kind: 'good', text: 'Here you were. l lists the steps.' } }),
    ...(present && { stage: { active: true, next: 0, phase: 'waiting', typed: 0 } }),
  };
  return { ...state, stage: stageOf(state) };
}

/** Returns the progress to save from a state. */
export function progressIn(state: State, deployed: string | null): Progress {
  const { page, text, done, skipped, hints } = state;
  return {
    version: 1,
    step: text.steps[page - 1]?.name ?? null,
    finished: page >= lastPage(state),
    done: [...done],
    skipped: [...skipped],
    hints,
    deployed,
  };
}
