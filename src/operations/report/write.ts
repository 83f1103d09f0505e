import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { judgeEvidence } from '../../proof/evidence/judge-evidence.ts';
import { formatSums, SUMS_FILE } from '../../proof/evidence/sums.ts';
import { type Claim, type Record, readRecord } from '../../proof/record.ts';
import type { Verdict } from '../../proof/verdict.ts';
import { reportPage } from '../../report/html/page.ts';
import { runJunit } from '../../report/junit.ts';
import { summaryMarkdown } from '../../report/markdown.ts';
import { type JudgedRun, reportOf } from '../../report/model.ts';
import { packetsOf } from '../../report/packets.ts';
import { reportReadme } from '../../report/readme.ts';
import type { Report } from '../../report/schema.ts';
import { sha256Of } from '../../state/digest.ts';
import { claimFolder, releaseFolder } from '../../state/evidence-store.ts';
import { writeWhole } from '../../state/whole-file.ts';
import { VERSION } from '../../version.ts';
import { copyEvidence } from './copy.ts';

export interface ReportRequest {
  evidence: string;
  /** Evidence of an earlier run, to compare with. */
  before?: string | undefined;
  /** A new folder for the report. */
  output: string;
  /** Another claim than the one that the run made. */
  expect?: Claim | undefined;
  allowedSigners?: string | undefined;
  /** The controls of a standard that the report is for, in the person's words. */
  standards: readonly string[];
}

export interface WrittenReport {
  report: Report;
  verdict: Verdict | null;
  folder: string;
}

/** Writes the report of evidence that exists, without a network or a cluster. Throws a usage Failure if the folder is not empty. */
export async function writeReport(request: ReportRequest): Promise<WrittenReport> {
  const { output, standards } = request;
  await claimFolder(output);
  const names: string[] = [];
  try {
    const run = await judged(request.evidence, 'evidence', request);
    const before = request.before === undefined ? undefined : await judged(request.before, 'evidence-before', {});
    const report = reportOf(run, { before, standards, wglab: VERSION });
    const sums = new Map<string, string>();
    for (const [name, text] of filesOf(report)) {
      names.push(name);
      await writeWhole(join(output, name), text);
      sums.set(name, sha256Of(text));
    }
    for (const { folder, record, result } of before ? [run, before] : [run]) {
      names.push(folder);
      const copied = await copyEvidence(result.evidence, join(output, folder), record);
      for (const [name, sha256] of copied) sums.set(`${folder}/${name}`, sha256);
    }
    // Last, so that a report that broke off never looks whole.
    await writeWhole(join(output, SUMS_FILE), formatSums(sums));
    return { report, verdict: run.result.verdict, folder: output };
  } catch (error) {
    for (const name of names) await rm(join(output, name), { recursive: true, force: true });
    throw error;
  } finally {
    await releaseFolder(output);
    // Nothing is left of a report that could not be made.
    await rmdir(output).catch(() => undefined);
  }
}

async function judged(
  evidence: string,
  folder: string,
  { expect, allowedSigners }: Pick<ReportRequest, 'expect' | 'allowedSigners'>,
): Promise<JudgedRun> {
  const record: Record = await readRecord(evidence);
  const result = await judgeEvidence(evidence, { allowedSigners, ...(expect === undefined ? {} : { expect }) });
  return { record, result, folder, packets: await packetsOf(evidence, record, result) };
}

function filesOf(report: Report): [name: string, text: string][] {
  return [
    ['index.html', reportPage(report)],
    ['report.json', `${JSON.stringify(report, null, 2)}\n`],
    ['report.xml', runJunit(report.run)],
    ['summary.md', summaryMarkdown(report)],
    ['README.txt', reportReadme(report)],
  ];
}
