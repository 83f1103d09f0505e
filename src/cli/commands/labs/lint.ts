import { basename, resolve } from 'node:path';
import { ExitCode } from '../../../errors.ts';
import { showPlace } from '../../../lab/problem.ts';
import { type Finding, lintLab } from '../../../operations/lint.ts';
import { type Context, printJson } from '../../context.ts';

export async function lintCommand(context: Context, files: string[], options: { output?: 'json' }): Promise<number> {
  const findings: Finding[] = [];
  // `labs/*.md` has the page about the labs among them; no lab can have its name (src/state/lab-name.ts).
  const [pages, labs] = [files.filter(isReadme), files.filter((file) => !isReadme(file))];
  for (const file of labs) findings.push(...(await lintLab(resolve(file))));
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  if (options.output) printJson(context, { files: labs.length, errors, findings });
  else context.out.write(listing(findings, errors, labs.length, context));
  for (const page of pages) context.err.write(`${page} is no lab, and was left out\n`);
  return errors > 0 ? ExitCode.usage : ExitCode.done;
}

function isReadme(file: string): boolean {
  return basename(file) === 'README.md';
}

function listing(findings: readonly Finding[], errors: number, files: number, { palette }: Context): string {
  const lines = findings.flatMap(({ severity, message, remedy, ...place }) => [
    `${showPlace(place)}: ${severity === 'error' ? palette.red(severity) : palette.yellow(severity)}: ${message}`,
    ...(remedy === undefined ? [] : [`  ${palette.dim(remedy)}`]),
  ]);
  const count = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;
  const total = `${count(files, 'lab')}: ${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}`;
  return `${[...lines, total].join('\n')}\n`;
}
