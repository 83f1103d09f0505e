import { engineOf } from '../engine/engines.ts';
import { usageFailure } from '../errors.ts';
import type { LabDefinition } from '../lab/lab-definition.ts';
import type { LabText } from '../lab/lab-text.ts';
import type { Step } from '../lab/step.ts';
import { destroy } from '../operations/destroy.ts';
import { readLabState } from '../state/lab-state.ts';
import { type Checked, checkStep } from './check.ts';
import { runStep, type StepListener, type StepRun } from './run.ts';
import { openSession, type Session } from './session.ts';

/** The outcome of one step. */
export interface StepResult {
  step: Step;
  run: StepRun;
  /** Empty if its commands failed: then nothing was checked. */
  checked: Checked[];
  seconds: number;
}

/** The outcome of a lab that was run without a person. */
export interface LabRun {
  /** `fail`: a check did not hold; `error`: commands failed. Either ends the run. */
  verdict: 'pass' | 'fail' | 'error';
  steps: StepResult[];
  /** The engine that its cluster ran on; null if it had none. */
  engine: string | null;
  seconds: number;
}

export interface LabListener extends StepListener {
  step(step: Step): void;
  /** The commands of a step are over, and its check begins. */
  ran(step: Step, run: StepRun): void;
  checked(result: StepResult): void;
  /** The lab is destroyed now: its steps left it running. */
  leaving(lab: string): void;
}

/**
 * Runs all steps of a lab in their order, each with its check, up to the first that does not hold. However it ends, a lab that it
 * deployed and that is still running is destroyed. Throws a usage failure if the lab is running already: it is somebody's.
 */
export async function runLab(
  definition: LabDefinition,
  text: LabText,
  engine: string,
  listener: LabListener,
  signal: AbortSignal,
): Promise<LabRun> {
  const { name } = definition;
  const own = await mayDestroy(name);
  const began = performance.now();
  const session = await openSession(definition, { temporary: true, engine });
  const steps: StepResult[] = [];
  let used: string | null = null;
  try {
    for (const step of text.steps) {
      listener.step(step);
      const result = await runAndCheck(session, step, listener, signal);
      used ??= (await readLabState(name))?.engine ?? null;
      steps.push(result);
      listener.checked(result);
      if (verdictOf([result]) !== 'pass') break;
    }
  } finally {
    await session.end();
    if (own && (await readLabState(name).catch(() => true))) {
      listener.leaving(name);
      await destroy(name);
    }
  }
  return { verdict: verdictOf(steps), steps, engine: used, seconds: (performance.now() - began) / 1000 };
}

async function runAndCheck(
  session: Session,
  step: Step,
  listener: LabListener,
  signal: AbortSignal,
): Promise<StepResult> {
  const began = performance.now();
  const run = await runStep(session, step, listener, signal);
  listener.ran(step, run);
  const checked = run.ok ? await checkStep(session, step, signal) : [];
  return { step, run, checked, seconds: (performance.now() - began) / 1000 };
}

/** Returns the verdict on a lab from the outcome of its steps; commands that fail are worse than a check that does not hold. */
export function verdictOf(steps: readonly StepResult[]): LabRun['verdict'] {
  if (steps.some(({ run }) => !run.ok)) return 'error';
  return steps.some(({ checked }) => checked.some(({ holds }) => !holds)) ? 'fail' : 'pass';
}

/** Returns whether this run may destroy the lab. A cluster that existed before is used as it was prepared, and stays so. */
async function mayDestroy(name: string): Promise<boolean> {
  const state = await readLabState(name);
  if (!state) return true;
  if (!(await engineOf(state.engine)).ownsCluster) return false;
  throw usageFailure(`lab "${name}" is running already, and its steps would change it`, {
    remedy: `wglab destroy ${name}`,
  });
}
