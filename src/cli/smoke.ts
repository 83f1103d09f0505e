import { appendFile, writeFile } from 'node:fs/promises';
import { messageOf, usageFailure } from '../errors.ts';
import type { EngineName } from '../lab/engine-name.ts';
import { smoke } from '../operations/smoke.ts';
import { annotations, stepSummary } from '../report/github.ts';
import { junit, type Phase, type SmokeResult } from '../report/junit.ts';
import { type Context, printJson } from './context.ts';
import { excerptText } from './excerpt-text.ts';

interface SmokeOptions {
  name?: string;
  topology?: string;
  workers?: number;
  nodeImage?: string;
  calicoVersion?: string;
  calicoManifests?: string;
  junit?: string;
  evidence?: string;
  engine: EngineName | 'auto';
  output?: 'json';
}

export async function smokeCommand(context: Context, lab: string, options: SmokeOptions): Promise<number> {
  const { err, errPalette, progress, signal } = context;
  const { exitCode, ...result } = await smoke(
    { ...options, lab, keep: false },
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
  if (options.junit !== undefined) await write(options.junit, junit(result));
  await tellGithub(result, options);
  if (options.output) printJson(context, result);
  else context.out.write(`${summary(result, context)}\n`);
  return exitCode;
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
  return `\n${colour(palette.bold(`smoke ${verdict}`))}: lab "${lab}", ${phases.length} phases in ${seconds.toFixed(1)} s`;
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error) => {
    throw usageFailure(`cannot write ${file}: ${messageOf(error)}`);
  });
}

/** On GitHub: annotations on standard output, unless that holds JSON, and a summary in the file that the runner names. */
async function tellGithub(result: SmokeResult, options: SmokeOptions): Promise<void> {
  if (process.env.GITHUB_ACTIONS !== 'true') return;
  if (options.output === undefined) process.stdout.write(annotations(result));
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file) await appendFile(file, stepSummary(result));
}
