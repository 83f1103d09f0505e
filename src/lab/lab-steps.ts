import { conditionsOf } from './lab-check.ts';
import type { Part } from './lab-scan.ts';
import { collect, type Place, type Problem } from './problem.ts';
import type { Block, Step } from './step.ts';
import { didYouMean } from './suggest.ts';

/** A step with its parts in the order of the file. */
export interface StepDraft {
  heading: Extract<Part, { kind: 'heading' }>;
  parts: Part[];
}

/** Builds the blocks of the introduction and the steps from their parts, and adds mistakes to the problems. */
export function stepsOf(
  introduction: readonly Part[],
  drafts: readonly StepDraft[],
  problems: Problem[],
): { introduction: Block[]; steps: Step[] } {
  const first = section(introduction, problems);
  const homeless = [...first.commands, ...first.checks, ...first.undos, ...first.hints].map(({ place }) => place);
  for (const place of homeless) {
    const message = 'this belongs into a step, and here is none yet';
    problems.push({ place, message, remedy: 'Put it below a line `## Heading`.' });
  }
  const steps = drafts.map((draft) => stepOf(draft, problems));
  problems.push(...sameNames(steps));
  return { introduction: first.blocks, steps };
}

function stepOf({ heading, parts }: StepDraft, problems: Problem[]): Step {
  const { title, place } = heading;
  const { blocks, commands, checks, undos, hints } = section(parts, problems);
  const name = nameOf(title);
  if (name === '') {
    problems.push({ place, message: 'this step has no title', remedy: 'Write it after the ##, in letters.' });
  }
  const onlyOne = (what: string, found: readonly { place: Place }[]) => {
    for (const { place } of found.slice(1)) {
      const message = `a second ${what} in one step; the first is in line ${found[0]?.place.line}`;
      problems.push({ place, message, remedy: `Make one block of both, or two steps.` });
    }
  };
  onlyOne('check', checks);
  onlyOne('undo', undos);
  const last = commands.at(-1);
  if (last?.background) {
    problems.push({
      place: last.place,
      message: 'these commands run in the background, but nothing runs after them in this step',
      remedy: 'Put the commands that they watch into a later block of the step, or take the word "background" away.',
    });
  }
  const [check] = checks;
  const [undo] = undos;
  return {
    title,
    name,
    place,
    blocks,
    check: check ? (collect(problems, () => conditionsOf(check.text, check.place)) ?? []) : [],
    hints: hints.map(({ title, markdown }) => ({ title, markdown })),
    ...(undo && { undo: undo.text }),
  };
}

/** The parts below one heading, by kind. */
interface Section {
  blocks: Block[];
  commands: Extract<Block, { kind: 'commands' }>[];
  checks: Fence[];
  undos: Fence[];
  hints: { title: string; markdown: string; place: Place }[];
}

type Fence = Extract<Part, { kind: 'fence' }>;

function section(parts: readonly Part[], problems: Problem[]): Section {
  const found: Section = { blocks: [], commands: [], checks: [], undos: [], hints: [] };
  const { blocks } = found;
  /** True if commands wait for an example of what they print. */
  let printing = false;
  const prose = (markdown: string, place: Place) => {
    const before = blocks.at(-1);
    if (before?.kind === 'prose') before.markdown += `\n\n${markdown}`;
    else blocks.push({ kind: 'prose', markdown, place });
  };
  for (const part of parts) {
    const { place } = part;
    if (part.kind === 'prose') prose(part.markdown, place);
    else if (part.kind === 'heading') prose(`${'#'.repeat(part.level)} ${part.title}`, place);
    else if (part.kind === 'details') {
      const [, title] = /^Hint:\s*(\S.*)$/i.exec(part.summary) ?? [];
      if (title !== undefined) found.hints.push({ title, markdown: part.markdown, place });
      else if (part.summary !== '') {
        const message = `a summary that is not of a hint: ${JSON.stringify(part.summary)}`;
        problems.push({ place, message, remedy: 'Begin it with <summary>Hint: what it helps with</summary>.' });
      }
    } else {
      const kind = fenceKind(part, problems);
      if (kind === 'commands' || kind === 'background') {
        const block = { kind: 'commands' as const, script: part.text, background: kind === 'background', place };
        blocks.push(block);
        found.commands.push(block);
        printing = true;
      } else if (kind === 'output') {
        if (!printing) {
          const message = 'an example of output, but there are no commands before it that print it';
          const remedy = 'Put it right after its commands, one example each; a picture is a block ```text picture.';
          problems.push({ place, message, remedy });
        }
        blocks.push({ kind, text: part.text, place });
        printing = false;
      } else if (kind === 'picture') blocks.push({ kind, text: part.text, place });
      else if (kind === 'check') found.checks.push(part);
      else if (kind === 'undo') found.undos.push(part);
      else if (kind === 'prose') prose(part.source, place);
      if (kind !== undefined && kind !== 'prose' && part.text.trim() === '') {
        problems.push({ place, message: 'this block is empty', remedy: 'Write something into it, or take it away.' });
      }
    }
  }
  return found;
}

/** Returns the kind of block that the words after a fence ask for. */
const KINDS = {
  sh: 'commands',
  'sh background': 'background',
  'sh undo': 'undo',
  text: 'output',
  'text picture': 'picture',
  'yaml check': 'check',
  // To be read like prose: wglab does nothing with them.
  yaml: 'prose',
  json: 'prose',
  ini: 'prose',
  http: 'prose',
} as const;

type FenceKind = (typeof KINDS)[keyof typeof KINDS];

/** Words that people write for `sh` and that do not resemble it. */
const SHELLS = ['bash', 'shell', 'console', 'zsh', 'shell-session', 'shellsession'];

function fenceKind({ words, place }: Fence, problems: Problem[]): FenceKind | undefined {
  const info = words.join(' ');
  if (info in KINDS) return KINDS[info as keyof typeof KINDS];
  const known = Object.keys(KINDS);
  const [language = '', ...more] = words;
  const message =
    words.length === 0
      ? 'a block that does not say what it is'
      : known.includes(language)
        ? `unknown word "${more.join(' ')}" after ${language}${didYouMean(info, known)}`
        : `unknown kind of block "${info}"${SHELLS.includes(language) ? '; did you mean "sh"?' : didYouMean(info, known)}`;
  problems.push({ place, message, remedy: `Blocks begin with \`\`\` and one of: ${known.join(', ')}.` });
  return undefined;
}

/** Turns a title into a word that can be typed: `Turn on encryption!` is `turn-on-encryption`. */
function nameOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/['’`]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
}

function sameNames(steps: readonly Step[]): Problem[] {
  return steps.flatMap(({ name, title, place }, i) => {
    const first = steps.find((other) => other.name === name);
    if (name === '' || first === steps[i]) return [];
    const message = `a second step "${title}"; the first is in line ${first?.place.line}`;
    return [{ place, message, remedy: 'Give each step a title of its own.' }];
  });
}
