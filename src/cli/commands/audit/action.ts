import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { ExistingCluster } from '../../../engine/engine.ts';
import { ExitCode, Failure, messageOf, usageFailure } from '../../../errors.ts';
import { audit } from '../../../operations/audit.ts';
import type { Claim } from '../../../proof/record.ts';
import { exitCodeOf } from '../../../proof/verdict.ts';
import { runJunit } from '../../../report/junit.ts';
import type { Report } from '../../../report/schema.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';

interface AuditOptions {
  lab?: string;
  expect: Claim;
  report: string;
  kubeconfig?: string;
  context?: string;
  nodes?: string;
  probeImage?: string;
  proofImage?: string;
  pairs?: number | 'all';
  sign?: string;
  control?: string[];
  junit?: string;
  yes?: boolean;
  output?: 'json';
}

/** Proves a claim about a cluster that exists, and writes the report. The exit status is that of `verify`. */
export async function auditCommand(context: Context, lab: string | undefined, options: AuditOptions): Promise<number> {
  const { progress, signal } = context;
  const { expect, report: folder, sign, pairs, control: standards = [] } = options;
  const existing = existingOf(options);
  const name = chosenLab(lab, options.lab);
  if (name !== undefined && Object.keys(existing).length > 0) {
    throw usageFailure('a lab is a cluster already: it goes without --kubeconfig, --context, --nodes and images');
  }
  if (name === undefined && !options.yes) await confirm(context);
  const { report, verdict } = await audit(
    { lab: name, existing, expect, report: folder, sign, pairs, standards },
    progress,
    signal,
  ).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done();
  progress.info(`The report is in ${folder}: index.html, report.json, report.xml, summary.md`);
  if (options.junit !== undefined) await writeJunit(options.junit, report);
  const { headline, evidence } = report.run;
  if (options.output) printJson(context, { verdict, headline, report: folder, digest: evidence.digest });
  else context.out.write(`record: sha256:${evidence.digest}\n${headline}\n`);
  return exitCodeOf(verdict);
}

function existingOf({ kubeconfig, context, nodes, probeImage, proofImage }: AuditOptions): ExistingCluster {
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(nodes === undefined ? {} : { nodes }),
    ...(probeImage === undefined ? {} : { probeImage }),
    ...(proofImage === undefined ? {} : { proofImage }),
  };
}

/** Asks the person whether probes may be created; without a terminal, --yes must say so. */
async function confirm({ signal }: Context): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw usageFailure('audit creates a namespace with probe pods in the cluster, and removes it at the end', {
      remedy: 'Add --yes to say that it may.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question =
      'This creates a namespace with probe pods in the cluster, and removes it at the end. Go on? [y/N] ';
    const answer = await terminal.question(question, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new Failure(ExitCode.interrupted, 'nothing was created');
  } finally {
    terminal.close();
  }
}

async function writeJunit(file: string, { run }: Report): Promise<void> {
  await writeFile(file, runJunit(run)).catch((error) => {
    throw usageFailure(`cannot write ${file}: ${messageOf(error)}`);
  });
}
