import { messageOf } from '../errors.ts';
import { readLab } from '../lab/lab.ts';
import { readLabDefinition } from '../lab/lab-definition.ts';
import { type LabText, readLabText } from '../lab/lab-text.ts';
import { InputFailure, type Problem } from '../lab/problem.ts';

/** Something in a lab's file that its writer should look at. An error keeps the lab from being used. */
export interface Finding {
  severity: 'error' | 'warning';
  file: string;
  line: number;
  column: number;
  message: string;
  remedy?: string;
}

/** Everything that is wrong with a lab, in its own file and in the files that it names, or that is not as good as it should be. */
export async function lintLab(file: string): Promise<Finding[]> {
  const [text, definition] = await Promise.allSettled([readLabText(file), readLabDefinition(file)]);
  const failed = [text, definition].flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  // The files that the front matter names are worth reading only if it is right itself.
  if (definition.status === 'fulfilled')
    failed.push(
      ...(await readLab(file).then(
        () => [],
        (error) => [error],
      )),
    );
  const warnings =
    text.status === 'fulfilled'
      ? warningsOf(text.value, file, definition.status === 'fulfilled' ? definition.value.title : undefined)
      : [];
  const findings = [
    ...failed.flatMap((error) => findingsOf(error, file)),
    ...warnings.map((problem) => finding('warning', problem)),
  ];
  return unique(findings).sort((a, b) => a.line - b.line || a.column - b.column);
}

function findingsOf(error: unknown, file: string): Finding[] {
  if (error instanceof InputFailure) return error.problems.map((problem) => finding('error', problem));
  if (error instanceof Error && 'exitCode' in error) {
    return [{ severity: 'error', file, line: 1, column: 1, message: messageOf(error) }];
  }
  throw error;
}

function finding(severity: Finding['severity'], { place, message, remedy }: Problem): Finding {
  return { severity, ...place, message, ...(remedy !== undefined && { remedy }) };
}

/** Both readers of the file find what is wrong with its front matter. */
function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((found) => [JSON.stringify(found), found])).values()];
}

function warningsOf({ title, steps }: LabText, file: string, inFrontMatter: string | undefined): Problem[] {
  const warnings: Problem[] = [];
  if (inFrontMatter !== undefined && inFrontMatter !== title) {
    warnings.push({
      place: { file, line: 1, column: 1 },
      message: `the title is "${inFrontMatter}" in the front matter, and "${title}" in the heading`,
      remedy: 'Give it one title.',
    });
  }
  for (const { title, place, check, blocks, undo, hints } of steps) {
    const commands = blocks.some(({ kind }) => kind === 'commands');
    const warn = (message: string, remedy: string) =>
      warnings.push({ place, message: `step "${title}": ${message}`, remedy });
    if (check.length === 0) {
      warn('no check: nobody can tell whether it is done', 'Add a block ```yaml check with what must hold after it.');
    }
    if (!commands)
      warn('no commands: wglab cannot do it by itself', 'Add a block ```sh, also where the learner finds out.');
    if (check.length > 0 && hints.length === 0) {
      warn('no hint', 'Add <details> with <summary>Hint: …</summary> for those who are stuck.');
    }
    if (undo !== undefined && !commands)
      warn('an undo, but no commands that it could take back', 'Take the undo away.');
  }
  return warnings;
}
