import type { Block, Step } from '../../lab/step.ts';
import { terminalText } from '../../text/terminal-text.ts';
import { checkRows } from './check-rows.ts';
import { lastPage, nextCommands, type Part, type State, stepOf } from './state.ts';
import { markdownRows } from './text/markdown.ts';
import { BLANK, broken, cut, type Row, row, span } from './text/row.ts';

export interface Page {
  rows: readonly Row[];
  /** The rows of the parts that grow: the first, and the one after the last. */
  parts: Partial<Record<Part, readonly [from: number, to: number]>>;
}

/** Returns all rows of the page that the person is on. */
export function pageOf(state: State): Page {
  const step = stepOf(state);
  const { columns } = state.size;
  if (step) return stepPage(state, step);
  const rows = state.page >= lastPage(state) ? endRows(state) : introductionRows(state);
  return { rows: rows.map((line) => cut(line, columns)), parts: {} };
}

function stepPage(state: State, step: Step): Page {
  const { columns } = state.size;
  const parts: Page['parts'] = {};
  const rows: Row[] = [...markdownRows(`# ${step.title}`, columns)];
  const add = (part: Part | undefined, added: readonly Row[]) => {
    if (added.length === 0) return;
    rows.push(BLANK);
    if (part) parts[part] = [rows.length, rows.length + added.length];
    rows.push(...added);
  };
  for (const [i, block] of shownBlocks(state, step).entries()) {
    const current = state.runs[i] && nextRun(state, i) === undefined;
    add(current || isBeingTyped(state, i) ? 'run' : undefined, blockRows(state, step, block, i));
  }
  add('check', state.checked ? checkRows(state.checked, step, state.hints[step.name] ?? 0, columns) : []);
  for (const [i, hint] of step.hints.slice(0, state.hints[step.name] ?? 0).entries()) {
    const title = markdownRows(`**Hint ${i + 1} of ${step.hints.length}: ${hint.title}**`, columns);
    add('hint', [...title, BLANK, ...markdownRows(hint.markdown, columns)]);
  }
  return { rows: rows.map((line) => cut(line, columns)), parts };
}

/** Returns the blocks to show: on a stage only those up to the next commands, so that nothing appears before it happens. */
function shownBlocks({ stage }: State, { blocks }: Step): readonly Block[] {
  return stage?.active ? blocks.slice(0, stage.next + 1) : blocks;
}

function nextRun({ runs }: State, block: number): number | undefined {
  return Object.keys(runs)
    .map(Number)
    .find((other) => other > block);
}

function isBeingTyped({ stage }: State, block: number): boolean {
  return stage?.active === true && stage.next === block && stage.phase !== 'running';
}

function blockRows(state: State, step: Step, block: Block, i: number): Row[] {
  const { columns } = state.size;
  const lines = (text: string) => terminalText(text.replace(/\n$/, '')).split('\n');
  switch (block.kind) {
    case 'prose':
      return markdownRows(block.markdown, columns);
    case 'picture':
      return lines(block.text).map((line) => row(line));
    case 'output':
      return hasPrinted(state, step, i) ? [] : lines(block.text).map((line) => row(span(line, 'dim')));
    case 'commands': {
      const note = block.background ? [row(span('In a second terminal:', 'dim'))] : [];
      return [...note, ...commandRows(state, block.script, i)];
    }
  }
}

/** Returns the script's rows: each command that has begun with its output, then the rest; on a stage, as far as it was typed. */
function commandRows(state: State, script: string, block: number): Row[] {
  const { columns } = state.size;
  const { stage } = state;
  const run = state.runs[block];
  const prompt = stage?.active ? '$ ' : '';
  const asTyped = (text: string) => {
    const lines = terminalText(text.replace(/^\n+|\n+$/g, '')).split('\n');
    return lines.flatMap((line, i) => broken(`${i === 0 ? prompt : ''}${line}`, 'command', columns));
  };
  if (!run) return asTyped(isBeingTyped(state, block) ? `${script.slice(0, stage?.typed)}█` : script);
  const rows: Row[] = [];
  let rest = script;
  for (const { text, output } of run.commands) {
    rows.push(...asTyped(text), ...outputRows(output, columns));
    rest = rest.slice(Math.max(0, rest.indexOf(text)) + text.length);
  }
  const failed = run.status !== undefined && run.status !== 0;
  if (failed) rows.push(row(span(`✗ exit status ${run.status}`, 'bad')));
  return rest.trim() === '' ? rows : [...rows, ...asTyped(rest)];
}

/** Returns whether the commands above an example have run: their real output then replaces it. */
function hasPrinted({ runs }: State, { blocks }: Step, output: number): boolean {
  const commands = blocks.slice(0, output).findLastIndex(({ kind }) => kind === 'commands');
  return runs[commands] !== undefined;
}

function outputRows(output: string, columns: number): Row[] {
  const text = terminalText(output).replace(/\n+$/, '');
  return text === '' ? [] : text.split('\n').flatMap((line) => broken(line, 'plain', columns));
}

function introductionRows({ text, lab, size: { columns } }: State): Row[] {
  const blocks = text.introduction.flatMap((block) => {
    if (block.kind === 'prose') return [BLANK, ...markdownRows(block.markdown, columns)];
    if (block.kind === 'commands') return [BLANK, ...broken(block.script, 'command', columns)];
    return [
      BLANK,
      ...terminalText(block.text)
        .split('\n')
        .map((line) => row(line)),
    ];
  });
  const steps = [
    `${text.steps.length} steps, about ${lab.minutes} minutes.`,
    `Each step has commands. Type them in a second terminal, where \`wglab workshop ${lab.called} --shell\` opens a shell for them,`,
    'or in such a shell here (**!**), or have wglab type them (**d**).',
    'Then **c** checks whether it happened, and **n** goes on.',
  ].join(' ');
  return [...markdownRows(`# ${text.title}`, columns), ...blocks, BLANK, ...markdownRows(steps, columns)];
}

function endRows({ text, done, skipped, lab, size: { columns } }: State): Row[] {
  const left = text.steps.filter(({ name }) => !done.has(name));
  const words =
    left.length === 0
      ? 'You have done every step.'
      : `You are at the end. ${left.length} of ${text.steps.length} steps are not checked: **l** leads to them.`;
  const again = `To begin from the start another time: \`wglab workshop ${lab.called} --restart\`.`;
  return [
    ...markdownRows('# The end', columns),
    BLANK,
    ...markdownRows(words, columns),
    BLANK,
    ...text.steps.map((step) => row(mark(step, done, skipped), ` ${step.title}`)),
    BLANK,
    ...markdownRows(again, columns),
  ];
}

export function mark({ name }: Step, done: ReadonlySet<string>, skipped: ReadonlySet<string>) {
  if (done.has(name)) return span('✓', 'good');
  return skipped.has(name) ? span('–', 'warning') : span('·', 'dim');
}

/** Returns whether a step has commands that wglab can type. */
export function hasCommands({ blocks }: Step): boolean {
  return nextCommands(blocks, 0) < blocks.length;
}
