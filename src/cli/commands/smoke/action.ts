import { appendFile } from 'node:fs/promises';
import { usageFailure } from '../../../errors.ts';
import { findLab } from '../../../lab/lab-definition.ts';
import { readLabText } from '../../../lab/lab-text.ts';
import { smoke } from '../../../operations/smoke.ts';
import { annotations, stepSummary } from '../../../report/github.ts';
import { type Phase, type SmokeResult, smokeJunit } from '../../../report/smoke.ts';
import type { EngineName } from '../../../state/engine-name.ts';
import { checkReportFile, reportFailure, writeReportFile } from '../../../state/report-file.ts';
import { smokeLab } from '../../../workshop/smoke-lab.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';
import { passOnSources, type Sources } from '../../sources.ts';
import { excerptText } from './excerpts.ts';

interface SmokeOptions extends Sources {
  lab?: string;
  name?: string;
  topology?: string;
  workers?: number;
  junit?: string;
  evidence?: string;
  engine: EngineName | 'auto';
  output?: 'json';
}

/** Proves encryption from the beginning to the end; if a lab is named, runs its steps with their checks instead. */
export async function smokeCommand(
  context: Context,
  argument: string | undefined,
  options: SmokeOptions,
): Promise<number> {
  const lab = chosenLab(argument, options.lab);
  if (options.junit !== undefined) await checkReportFile(options.junit);
  const { exitCode, ...result } = await (lab === undefined ? prove(context, options) : walk(context, lab, options));
  if (options.junit !== undefined) await writeReportFile(options.junit, smokeJunit(result));
  await reportToGithub(context, result, options);
  if (options.output) printJson(context, result);
  else context.out.write(`${summary(result, context)}\n`);
  return exitCode;
}

type Outcome = Awaited<ReturnType<typeof smoke>>;

/** Options that say what the proof is made with; a lab's own steps say it themselves. */
const OF_THE_PROOF = ['name', 'topology', 'workers', 'evidence'] as const;

async function walk(context: Context, nameOrPath: string, options: SmokeOptions): Promise<Outcome> {
  const { err, progress, signal } = context;
  const wrong = OF_THE_PROOF.find((option) => options[option] !== undefined);
  if (wrong !== undefined) {
    const flag = `--${wrong.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw usageFailure(`${flag} is for smoke without a lab; here the steps of the lab say what is made`, {
      remedy: `wglab smoke ${nameOrPath}, or wglab smoke ${flag} …`,
    });
  }
  passOnSources(options);
  const definition = await findLab(nameOrPath);
  return smokeLab(
    definition,
    await readLabText(definition.file),
    options.engine,
    {
      step: ({ title }) => progress.step(title),
      block: () => undefined,
      command: (text) => progress.update(text.split('\n')[0] ?? ''),
      output: () => undefined,
      ran: (_, { ok }) => (ok ? progress.done() : progress.failed()),
      ended: (phase) => err.write(`${phaseLine(phase, context)}\n`),
      leaving: (name) => progress.info(`lab "${name}" is still running, and is destroyed now`),
    },
    signal,
  ).catch((error) => {
    progress.failed();
    throw error;
  });
}

function prove(context: Context, options: SmokeOptions): Promise<Outcome> {
  const { err, errPalette, progress, signal } = context;
  return smoke(
    { ...options, lab: 'wireguard', keep: false },
    {
      step: (text) => progress.step(text),
      update: (text) => progress.update(text),
      info: (text) => progress.info(text),
      phase: (name) => err.write(`\n${errPalette.bold(name)}\n`),
      observed: (observed) => {
        progress.done();
        err.write(excerptText(observed, errPalette));
      },
      ended: (phase) => {
        if (phase.verdict === 'error') progress.failed();
        else progress.done();
        err.write(`${phaseLine(phase, context)}\n`);
      },
    },
    signal,
  );
}

function phaseLine({ name, verdict, detail, seconds }: Phase, { errPalette }: Context): string {
  const colour = {
    pass: errPalette.green,
    fail: errPalette.red,
    inconclusive: errPalette.magenta,
    error: errPalette.red,
  }[verdict];
  return `${colour(verdict.toUpperCase())} ${name} ${errPalette.dim(`${seconds.toFixed(1)} s`)}: ${detail}`;
}

function summary({ lab, verdict, seconds, phases }: SmokeResult, { palette }: Context): string {
  const colour = verdict === 'pass' ? palette.green : palette.red;
  return `\n${colour(palette.bold(`smoke ${verdict}`))}: lab "${lab}", ${phases.length} ${phases.length === 1 ? 'phase' : 'phases'} in ${seconds.toFixed(1)} s`;
}

/** On GitHub: annotations on standard output, unless that holds JSON, and a summary in the file that the runner names. */
async function reportToGithub(context: Context, result: SmokeResult, options: SmokeOptions): Promise<void> {
  if (process.env.GITHUB_ACTIONS !== 'true') return;
  if (options.output === undefined) context.out.write(annotations(result));
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (!file) return;
  await appendFile(file, stepSummary(result)).catch((error) => {
    throw reportFailure(file, error);
  });
}
