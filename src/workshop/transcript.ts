import { INTERRUPTED_NOTE } from '../errors.ts';
import type { LabText } from '../lab/lab-text.ts';
import type { Block, Step } from '../lab/step.ts';
import { terminalText } from '../text/terminal-text.ts';
import type { StepResult } from './auto.ts';
import type { BlockRun } from './block-run.ts';
import { describeCondition } from './check.ts';

/** A transcript shows at most this many lines from the beginning and from the end of long output. */
const FIRST_LINES = 30;
const LAST_LINES = 10;
/** It shows at most this many characters of a line. */
const LONGEST_LINE = 200;

/** Returns the beginning of a transcript, in Markdown: title and introduction. */
export function transcriptBegin({ title, introduction }: LabText): string {
  return paragraphs([`# ${title}`, ...introduction.map((block) => blockText(block, []))]);
}

/** Returns the transcript of a finished step: heading, prose, commands with their output, and checks. */
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

/** Returns a block as the transcript shows it; the real output of the commands replaces the example. */
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
  // A background block ends with its step by Ctrl-C; the note that wglab prints at that is not part of the lab.
  const shown = (output: string) => cut(block.background ? output.replace(`\n${INTERRUPTED_NOTE}\n`, '') : output);
  const lines = run.commands.map(({ text, output }) => [prompted(text), shown(output)].filter(Boolean).join('\n'));
  return fenced('console', lines.join('\n'));
}

/** Returns a command as a terminal shows it: after the prompt, with further lines after bash's continuation prompt. */
function prompted(command: string): string {
  const lines = command.split('\n');
  const begin = lines.findIndex((line) => !/^\s*#/.test(line));
  return lines.map((line, i) => (i < begin ? line : i === begin ? `$ ${line}` : `> ${line}`)).join('\n');
}

/** Returns output as a terminal finally shows it, without colours; only the beginning and the end if it is long. */
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

/** Returns Markdown without marks that only a web page renders: emphasis and links become plain words. Text in `code` stays as it is. */
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

/** Returns text in a fence that is longer than any inside it. */
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
