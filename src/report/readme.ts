import type { Report } from './schema.ts';
import { checkCommand, timeText } from './words.ts';

/** Returns the README of a report folder: how to check it with common tools and with wglab. */
export function reportReadme({ run, before }: Report): string {
  const { folder, signature } = run.evidence;
  return [
    `Report of wglab: lab ${run.lab}, ${timeText(run.startedAt)}, verdict: ${run.verdict ?? 'none'}.`,
    'index.html is for people, report.json and report.xml (JUnit) for programs, summary.md for a pipeline.',
    '',
    '1. No file has changed since the report was written:',
    '    sha256sum -c SHA256SUMS',
    '2. It is the run that you mean: this prints the digest that wglab printed with the verdict.',
    `    sha256sum ${folder}/record.json`,
    '3. It comes from the person who says so:',
    signature === null
      ? '    (nobody signed this run; verify --sign KEYFILE does)'
      : `    ssh-keygen -Y verify -f SIGNERS -I WHO -n wglab -s ${folder}/SHA256SUMS.sig < ${folder}/SHA256SUMS`,
    '4. The captures and the record give this verdict, with no lab and no network:',
    `    ${checkCommand(run)}`,
    ...(before ? [`    ${checkCommand(before)}`] : []),
    '',
  ].join('\n');
}
