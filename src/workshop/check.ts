import { type Condition, patternOf } from '../lab/lab-check.ts';
import type { Step } from '../lab/step.ts';
import { startJob, within } from './job.ts';
import { unlessAborted } from './run.ts';
import type { Session } from './session.ts';

/** The result of checking one condition. */
export interface Checked {
  condition: Condition;
  holds: boolean;
  /** The output of its command and, if the condition does not hold, what was wrong with it. */
  seen: string;
  seconds: number;
}

/** How long checking one condition may take, in ms: longer than any command that only reads. */
export const CONDITION_MS = 60_000;

/** Checks every condition of a step, one after the other. */
export async function checkStep(session: Session, step: Step, signal: AbortSignal): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (const condition of step.check) checked.push(await look(session, condition, signal));
  return checked;
}

async function look(session: Session, condition: Condition, signal: AbortSignal): Promise<Checked> {
  signal.throwIfAborted();
  const began = performance.now();
  const job = startJob(condition.run, { cwd: session.notebook, env: session.environment });
  const inTime = await unlessAborted(job, signal, within(job.ended, CONDITION_MS));
  if (!inTime) await job.interrupt();
  const wrong = inTime
    ? whyNot(condition, await job.ended, job.printed())
    : `(it took more than ${CONDITION_MS / 1000} s, and was ended)`;
  return {
    condition,
    holds: wrong === undefined,
    seen: [job.printed().trimEnd(), wrong].filter(Boolean).join('\n'),
    seconds: (performance.now() - began) / 1000,
  };
}

/** Returns what keeps a condition from holding, or undefined if it holds. */
export function whyNot(condition: Condition, status: number, printed: string): string | undefined {
  const { prints, lacks } = condition;
  if (status !== condition.status) return `(exit status ${status}, not ${condition.status})`;
  if (prints !== undefined && !patternOf(prints).test(printed)) return `(nothing in it matches ${prints})`;
  if (lacks !== undefined && patternOf(lacks).test(printed)) return `(it matches ${lacks})`;
  return undefined;
}

/** Returns a condition in words: "`wg` prints /peer/, without /none/". */
export function describeCondition({ run, prints, lacks, status }: Condition): string {
  const parts = [
    ...(prints === undefined ? [] : [`prints /${prints}/`]),
    ...(lacks === undefined ? [] : [`prints nothing like /${lacks}/`]),
    ...(status === 0 ? [] : [`ends with status ${status}`]),
  ];
  return `\`${run.trim().replace(/\s*\n\s*/g, '; ')}\` ${parts.length > 0 ? parts.join(', ') : 'succeeds'}`;
}
