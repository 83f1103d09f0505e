import { ExitCode, usageFailure } from '../../../errors.ts';
import { findLab } from '../../../lab/lab-definition.ts';
import { readLabText } from '../../../lab/lab-text.ts';
import { wantsColour } from '../../../process/terminal.ts';
import type { EngineName } from '../../../state/engine-name.ts';
import { type LabRun, runLab, verdictOf } from '../../../workshop/auto.ts';
import { openSession } from '../../../workshop/session.ts';
import { openShell } from '../../../workshop/shell.ts';
import { placeOf, transcriptBegin, transcriptStep } from '../../../workshop/transcript.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab, FLAGSHIP } from '../../options.ts';
import { passOnSources, type Sources } from '../../sources.ts';

interface WorkshopOptions extends Sources {
  lab?: string;
  auto?: boolean;
  shell?: boolean;
  present?: boolean;
  restart?: boolean;
  step?: string;
  engine: EngineName | 'auto';
  output?: 'json';
}

/** Does a lab step by step: on the screen, without a person, or in a shell. */
export async function workshopCommand(
  context: Context,
  argument: string | undefined,
  options: WorkshopOptions,
): Promise<number> {
  const lab = chosenLab(argument, options.lab) ?? FLAGSHIP;
  if (options.output && !options.auto) {
    throw usageFailure('-o json is for a lab that runs by itself', { remedy: `wglab workshop ${lab} --auto -o json` });
  }
  if (options.auto && options.shell) throw usageFailure('give --auto or --shell, not both');
  passOnSources(options);
  if (options.auto) return auto(context, lab, options);
  if (options.shell) return shell(context, lab, options);
  return screen(context, lab, options);
}

/** Leads a person through the lab, on this terminal. */
async function screen(context: Context, called: string, options: WorkshopOptions): Promise<number> {
  const { out, err, signal } = context;
  const definition = await findLab(called);
  const { walk } = await import('../../../workshop/screen/walk.ts');
  const { state, interrupted } = await walk(definition, {
    ...options,
    called,
    colours: wantsColour(out, process.env),
    signal,
  });
  const { page, text } = state;
  const where = page > text.steps.length ? 'at the end' : page === 0 ? 'in the introduction' : `in step ${page}`;
  err.write(`Your place is kept, ${where}. Go on: wglab workshop ${called}\n`);
  return interrupted ? ExitCode.interrupted : ExitCode.done;
}

/** Runs the lab without a person, and prints a transcript of it. */
async function auto(context: Context, nameOrPath: string, { engine, output }: WorkshopOptions): Promise<number> {
  const { out, progress, signal } = context;
  const definition = await findLab(nameOrPath);
  const text = await readLabText(definition.file);
  if (!output) out.write(transcriptBegin(text));
  const run = await runLab(
    definition,
    text,
    engine,
    {
      step: (step) => progress.step(`${placeOf(step, text).number}/${text.steps.length} ${step.title}`),
      block: () => undefined,
      command: (command) => progress.update(command.split('\n').at(0) ?? ''),
      output: () => undefined,
      ran: () => progress.update('checking'),
      checked: (result) => {
        if (verdictOf([result]) === 'pass') progress.done();
        else progress.failed();
        if (!output) out.write(transcriptStep(result, placeOf(result.step, text)));
      },
      leaving: (name) => progress.info(`lab "${name}" is still running, and is destroyed now`),
    },
    signal,
  ).catch((error) => {
    progress.failed();
    throw error;
  });
  const left = text.steps.length - run.steps.length;
  if (output) printJson(context, { lab: definition.name, title: text.title, ...forJson(run), left });
  else out.write(`${closing(run, left)}\n`);
  return { pass: ExitCode.done, fail: ExitCode.claimFails, error: ExitCode.labFailed }[run.verdict];
}

/** The last line of a transcript. */
function closing({ verdict, steps, engine, seconds }: LabRun, left: number): string {
  const checks = steps.flatMap(({ checked }) => checked);
  const held = checks.filter(({ holds }) => holds).length;
  const where = engine === null ? '' : ` on the engine ${engine}`;
  const rest = left > 0 ? `; ${left} ${left === 1 ? 'step was' : 'steps were'} not run` : '';
  return `${verdict}: ${steps.length} steps, ${held} of ${checks.length} conditions hold, ${seconds.toFixed(1)} s${where}${rest}`;
}

/** Returns what `-o json` prints of a run: see labs/README.md. */
function forJson({ verdict, engine, seconds, steps }: LabRun) {
  return {
    verdict,
    engine,
    seconds,
    steps: steps.map(({ step: { name, title }, run, checked, seconds }) => ({
      name,
      title,
      seconds,
      blocks: run.blocks.map(({ block, status, commands, problem }) => ({
        line: block.place.line,
        background: block.background,
        status,
        ...(problem !== undefined && { problem }),
        commands: commands.map(({ text, output }) => ({ command: text, output })),
      })),
      checks: checked.map(({ condition: { run, otherwise }, holds, seen }) => ({ run, holds, seen, otherwise })),
    })),
  };
}

/** Opens a shell with the lab's environment, in its notebook. */
async function shell({ err, signal }: Context, nameOrPath: string, { engine }: WorkshopOptions): Promise<number> {
  const session = await openSession(await findLab(nameOrPath), { engine });
  try {
    err.write(`A shell on the lab "${session.lab}", in your notebook ${session.notebook}. Leave it with exit.\n`);
    return await openShell(session, signal);
  } finally {
    await session.end();
  }
}
