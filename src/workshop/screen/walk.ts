import { usageFailure } from '../../errors.ts';
import type { LabDefinition } from '../../lab/lab-definition.ts';
import { type LabText, readLabText } from '../../lab/lab-text.ts';
import { didYouMean } from '../../lab/suggest.ts';
import { isTerminal } from '../../process/terminal.ts';
import { forgetProgress } from '../progress.ts';
import { openSession } from '../session.ts';
import { type Left, runScreen } from './screen.ts';
import { toolsOf } from './session-tools.ts';

export interface WalkOptions {
  /** The words that the person typed for this lab. */
  called: string;
  engine?: string;
  present?: boolean;
  /** Forgets where the person was. */
  restart?: boolean;
  /** The name of the step to begin at. */
  step?: string;
  colours: boolean;
  signal: AbortSignal;
}

/**
 * Leads a person through a lab on this terminal. Returns where the person left it. Throws a usage failure if this is not a terminal, or
 * if the lab has no such step.
 */
export async function walk(definition: LabDefinition, options: WalkOptions): Promise<Left> {
  const { called, engine, present = false, restart = false, step, colours, signal } = options;
  requireTerminal(called);
  const text = await readLabText(definition.file);
  if (step !== undefined) requireStep(text, step);
  if (restart) await forgetProgress(definition.name);
  const session = await openSession(definition, engine === undefined ? {} : { engine });
  try {
    return await runScreen({
      lab: { name: definition.name, called, minutes: definition.minutes },
      text,
      tools: toolsOf(session, signal),
      colours,
      present,
      signal,
      ...(step === undefined ? {} : { step }),
    });
  } finally {
    await session.end();
  }
}

/** Throws unless input and output are a terminal that can place its cursor, which the screen needs. */
function requireTerminal(called: string): void {
  const { stdin, stdout, env } = process;
  if (stdin.isTTY && isTerminal(stdout) && env.TERM && env.TERM !== 'dumb') return;
  throw usageFailure('the workshop needs a terminal, and this is none that it could draw on', {
    remedy: `wglab workshop ${called} --auto does the lab without a person, and prints a transcript.`,
  });
}

function requireStep({ steps }: LabText, name: string): void {
  const names = steps.map((step) => step.name);
  if (names.includes(name)) return;
  throw usageFailure(`there is no step "${name}" in this lab${didYouMean(name, names)}`, {
    remedy: `The steps are ${names.join(', ')}.`,
  });
}
