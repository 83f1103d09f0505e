import { frontMatter } from './front-matter.ts';
import { readInputFile } from './input-file.ts';
import { type Part, scan } from './lab-scan.ts';
import { type StepDraft, stepsOf } from './lab-steps.ts';
import { collect, inputFailure, type Place, type Problem } from './problem.ts';
import type { Block, Step } from './step.ts';

/** A lab's Markdown below its front matter. */
export interface LabText {
  title: string;
  /** Prose and pictures before the first step. */
  introduction: Block[];
  steps: Step[];
}

/** Reads the text of a lab's file. Throws a usage failure with every mistake's place and remedy. */
export async function readLabText(file: string): Promise<LabText> {
  return parseLabText(await readInputFile(file), file);
}

/** Does the same as `readLabText` for a text; `file` is the name in places. The front matter is not read. */
export function parseLabText(text: string, file: string): LabText {
  const problems: Problem[] = [];
  const lines = text.split(/\r?\n/);
  const below = collect(problems, () => frontMatter(text, file))?.lines ?? 0;
  const { parts, open } = scan(lines, below, file, problems);
  problems.push(...controlCharacters(lines, file));
  const drafts = split(parts);
  const title = titleOf(drafts.title, { file, line: below + 1, column: 1 }, problems);
  const { introduction, steps } = stepsOf(drafts.introduction, drafts.steps, problems);
  if (steps.length === 0 && !open) {
    const place = { file, line: Math.max(lines.length - 1, 1), column: 1 };
    problems.push({ place, message: 'this lab has no steps', remedy: 'Begin each step with a line `## Heading`.' });
  }
  if (problems.length > 0) throw inputFailure(problems);
  return { title, introduction, steps };
}

interface Drafts {
  title: Extract<Part, { kind: 'heading' }>[];
  introduction: Part[];
  steps: StepDraft[];
}

/** Groups the parts by the step that they belong to. Headings within a step are prose. */
function split(parts: readonly Part[]): Drafts {
  const drafts: Drafts = { title: [], introduction: [], steps: [] };
  for (const part of parts) {
    if (part.kind === 'heading' && part.level === 1) drafts.title.push(part);
    else if (part.kind === 'heading' && part.level === 2) drafts.steps.push({ heading: part, parts: [] });
    else (drafts.steps.at(-1)?.parts ?? drafts.introduction).push(part);
  }
  return drafts;
}

function titleOf(titles: Drafts['title'], top: Place, problems: Problem[]): string {
  const [first, ...more] = titles;
  if (!first) {
    problems.push({
      place: top,
      message: 'this lab has no title',
      remedy: 'Begin what is below the front matter with a line `# Title`.',
    });
  } else if (first.title === '') {
    problems.push({ place: first.place, message: 'the title is empty', remedy: 'Write it after the #.' });
  }
  for (const { place } of more) {
    const message = `a second title; the first is in line ${first?.place.line}`;
    problems.push({ place, message, remedy: 'Write the headings of steps with ##.' });
  }
  return first?.title ?? '';
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** Finds control characters: text for a terminal must not be able to steer it. */
function controlCharacters(lines: readonly string[], file: string): Problem[] {
  return lines.flatMap((line, i) => {
    const found = CONTROL.exec(line);
    if (!found) return [];
    const place = { file, line: i + 1, column: found.index + 1 };
    return [{ place, message: 'a control character', remedy: 'Write it as the tools do: \\u001b, \\x1b.' }];
  });
}
