import { ExitCode } from '../errors.ts';
import type { LabDefinition } from '../lab/lab-definition.ts';
import type { LabText } from '../lab/lab-text.ts';
import type { Phase, SmokeResult } from '../report/smoke.ts';
import { type LabListener, runLab, type StepResult } from './auto.ts';
import { describeCondition } from './check.ts';

/** Runs each step of a lab and returns one phase per condition, for the reports that a pipeline reads. Throws as `runLab` does. */
export async function smokeLab(
  definition: LabDefinition,
  text: LabText,
  engine: string,
  listener: Omit<LabListener, 'checked'> & { ended(phase: Phase): void },
  signal: AbortSignal,
): Promise<SmokeResult & { exitCode: ExitCode }> {
  const phases: Phase[] = [];
  const checked = (result: StepResult) => {
    const left = text.steps.length - text.steps.indexOf(result.step) - 1;
    for (const phase of phasesOf(result, left)) {
      phases.push(phase);
      listener.ended(phase);
    }
  };
  const run = await runLab(definition, text, engine, { ...listener, checked }, signal);
  const exitCode = { pass: ExitCode.done, fail: ExitCode.claimFails, error: ExitCode.labFailed }[run.verdict];
  const { verdict, seconds } = run;
  return { lab: definition.name, engine: run.engine ?? 'none', verdict, phases, seconds: round(seconds), exitCode };
}

/** Returns a phase for each condition of a step, or a single one if it has none or failed before them. `left` is the number of steps after it. */
export function phasesOf({ step, run, checked }: StepResult, left: number): Phase[] {
  const seconds = round(run.seconds);
  const notRun = left > 0 ? `\n${left} more ${left === 1 ? 'step was' : 'steps were'} not run` : '';
  const failed = run.blocks.find(({ status }) => status !== 0 && status !== null);
  if (failed) {
    const why = failed.problem ?? `exit status ${failed.status}`;
    const last = failed.commands.at(-1);
    const detail = `${why}\n$ ${last?.text ?? ''}\n${tail(last?.output ?? '')}${notRun}`;
    return [{ name: `${step.title}: its commands`, verdict: 'error', seconds, detail }];
  }
  if (checked.length === 0)
    return [{ name: step.title, verdict: 'pass', seconds, detail: 'there is nothing to check' }];
  return checked.map(({ condition, holds, seen, seconds: took }, i) => ({
    name: checked.length === 1 ? step.title : `${step.title} (${i + 1} of ${checked.length})`,
    verdict: holds ? 'pass' : 'fail',
    // The first one includes the time of the commands that make it hold.
    seconds: round(took + (i === 0 ? run.seconds : 0)),
    detail: holds ? describeCondition(condition) : `${condition.otherwise.trim()}\n${tail(seen)}${notRun}`,
  }));
}

/** Returns the end of the output, which says what went wrong. */
function tail(output: string): string {
  return output.trimEnd().split('\n').slice(-20).join('\n');
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
