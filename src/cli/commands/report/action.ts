import { usageFailure } from '../../../errors.ts';
import { writeReport } from '../../../operations/report/write.ts';
import type { Claim } from '../../../proof/record.ts';
import { exitCodeOf } from '../../../proof/verdict.ts';
import { labsWithEvidence, listEvidence } from '../../../state/evidence-store.ts';
import type { Context } from '../../context.ts';

interface ReportOptions {
  output: string;
  expect?: Claim;
  allowedSigners?: string;
  control?: string[];
}

/** Writes the report of one run, or of one run and the one before it. The exit status is that of `verify --from`. */
export async function reportCommand(context: Context, folders: string[], options: ReportOptions): Promise<number> {
  const { progress } = context;
  if (folders.length > 2) {
    throw usageFailure('a report is of one run, or of two: the one before and the one after', {
      remedy: 'wglab report BEFORE AFTER -o DIR',
    });
  }
  const evidence = folders.at(-1) ?? (await newest());
  progress.step(`Judging ${evidence} again`);
  const { report, verdict, folder } = await writeReport({
    evidence,
    before: folders.length === 2 ? folders[0] : undefined,
    output: options.output,
    expect: options.expect,
    allowedSigners: options.allowedSigners,
    standards: options.control ?? [],
  }).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done(`The report is in ${folder}: index.html, report.json, report.xml, summary.md`);
  context.out.write(`${report.run.headline}\n`);
  return exitCodeOf(verdict);
}

/** Returns the newest evidence in the store, by the time in its name. */
async function newest(): Promise<string> {
  const all = await Promise.all((await labsWithEvidence()).map(listEvidence));
  const last = all
    .flat()
    .sort((a, b) => nameOf(a).localeCompare(nameOf(b)))
    .at(-1);
  if (last !== undefined) return last;
  throw usageFailure('there is no evidence to report on', { remedy: 'wglab verify --expect encrypted makes some.' });
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('/') + 1);
}
