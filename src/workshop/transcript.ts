import { INTERRUPTED_NOTE } from '../errors.ts';
import type { LabText } from '../lab/lab-text.ts';
import type { Block, Step } from '../lab/step.ts';
import { terminalText } from '../text/terminal-text.ts';
import type { StepResult } from './auto.ts';
import type { BlockRun } from './block-run.ts';
import { describeCondition } from './check.ts';

/** Of longer output, so many lines of the beginning and of the end are in a transcript. */
const FIRST_LINES = 30;
const LAST_LINES = 10;
/** Of longer lines, so many characters. */
const LONGEST_LINE = 200;

/** The beginning of a transcript, in Markdown: title and introduction. */
export function transcriptBegin({ title, introduction }: LabText): string {
  return paragraphs([`# ${title}`, ...introduction.map((block) => blockText(block, []))]);
}

/** A step of which all is known: heading, prose, what was typed and what came, and what was checked. */
export function transcriptStep(
  { step, run, checked }: StepResult,
  { number, count }: { number: number; count: number },
): string {
  const failed = run.blocks.find(({ status }) => status !== 0 && status !== null);
  const blocks = step.blocks.map((block) => blockText(block, run.blocks));
  const words = checked.map(
    ({ condition, holds, seen }) =>
      `- ${holds ? '✓' : '✗'} ${describeCondition(condition)}` +
      (holds
        ? ''
        : `\n  ${condition.otherwise.trim().replaceAll('\n', '\n  ')}\n\n${indented(fenced('text', cut(seen)))}`),
  );
  return paragraphs([
    `## ${number}/${count} ${step.title}`,
    ...blocks,
    ...(failed
      ? [
          `✗ These commands failed: ${failed.problem ?? `exit status ${failed.status}`}. The rest of the lab was not run.`,
        ]
      : []),
    ...(words.length > 0 ? ['Checked:', words.join('\n')] : []),
  ]);
}

/** Its place in the run of its lab. */
export function placeOf(step: Step, { steps }: LabText): { number: number; count: number } {
  return { number: steps.indexOf(step) + 1, count: steps.length };
}

/** A block as a reader of the transcript sees it; what the commands really printed is there in the place of the example. */
function blockText(block: Block, runs: readonly BlockRun[]): string {
  switch (block.kind) {
    case 'prose':
      return plain(block.markdown);
    case 'picture':
      return fenced('text', block.text);
    case 'output':
      return '';
    case 'commands':
      return commandsText(
        block,
        runs.find((run) => run.block === block),
      );
  }
}

function commandsText(block: Extract<Block, { kind: 'commands' }>, run: BlockRun | undefined): string {
  if (!run) return `${fenced('sh', block.script)}\n(not run)`;
  // What wglab says to its own Ctrl-C, by which a background block ends with its step, is nothing that the lab is about.
  const shown = (output: string) => cut(block.background ? output.replace(`\n${INTERRUPTED_NOTE}\n`, '') : output);
  const lines = run.commands.map(({ text, output }) => [prompted(text), shown(output)].filter(Boolean).join('\n'));
  return fenced('console', lines.join('\n'));
}

/** A command as it stands in a terminal: after the prompt, and its further lines after that of bash for more. */
function prompted(command: string): string {
  const lines = command.split('\n');
  const begin = lines.findIndex((line) => !/^\s*#/.test(line));
  return lines.map((line, i) => (i < begin ? line : i === begin ? `$ ${line}` : `> ${line}`)).join('\n');
}

/** Output as a terminal shows it in the end, without colours; of long output the beginning and the end. */
export function cut(output: string): string {
  const lines = terminalText(output)
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
    .map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line));
  const left = lines.length - FIRST_LINES - LAST_LINES;
  if (left <= 1) return lines.join('\n');
  return [...lines.slice(0, FIRST_LINES), `[… ${left} lines left out …]`, ...lines.slice(-LAST_LINES)].join('\n');
}

/** Markdown without what only a web page makes of it: emphasis and links are words. What stands in `code` is left alone. */
export function plain(markdown: string): string {
  return markdown
    .split(/(```[\s\S]*?```|`[^`\n]+`)/)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part
            .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, '$1 ($2)')
            .replace(/(\*\*|__)(?=\S)([^*_]*\S)\1/g, '$2')
            .replace(/(?<![\w*])[*_](?=\S)([^*_\n]*\S)[*_](?![\w*])/g, '$1'),
    )
    .join('');
}

/** A fence long enough for what is in it. */
function fenced(info: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/^`{3,}/gm)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${info}\n${text}\n${fence}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

function paragraphs(texts: readonly string[]): string {
  return `${texts.filter((text) => text !== '').join('\n\n')}\n\n`;
}
