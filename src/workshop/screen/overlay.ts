import { ALL_KEYS } from './key-help.ts';
import { mark } from './page.ts';
import type { Overlay, State } from './state.ts';
import { markdownRows } from './text/markdown.ts';
import { BLANK, type Row, row, span, wrapRows } from './text/row.ts';

/** Returns the rows that cover the page: the list of steps, the help, a question. */
export function overlayRows(state: State, overlay: Overlay, height: number): Row[] {
  switch (overlay.kind) {
    case 'list':
      return listRows(state, overlay.chosen, height);
    case 'help':
      return helpRows(state).slice(overlay.scroll);
    case 'ask-undo':
      return markdownRows('# Take this step back?\n\nThis runs:', state.size.columns).concat(undoRows(state));
    case 'ask-repeat':
      return repeatRows(state, overlay.lost);
  }
}

function listRows(state: State, chosen: number, height: number): Row[] {
  const { text, done, skipped } = state;
  const titles = ['Introduction', ...text.steps.map(({ title }) => title), 'The end'];
  const rows = titles.map((title, i) => {
    const step = text.steps[i - 1];
    const here = i === state.page ? span('  you are here', 'dim') : span('');
    const number = step ? `${i}`.padStart(3) : '   ';
    const words = span(`${number} ${title}`, i === chosen ? 'chosen' : 'plain');
    return row(i === chosen ? '▸ ' : '  ', step ? mark(step, done, skipped) : span(' '), words, here);
  });
  const first = Math.max(0, Math.min(chosen - Math.floor(height / 2), rows.length - height));
  return rows.slice(first);
}

export function helpRows({ size: { columns } }: Pick<State, 'size'>): Row[] {
  const widest = columns < 70 ? 9 : 21;
  return ALL_KEYS.flatMap(([key, does]) => {
    const shown = columns < 70 ? (key.split(' ')[0] ?? '') : key;
    const words = wrapRows([span(does)], Math.max(8, columns - widest));
    return words.map(({ spans }, i) => row(span((i === 0 ? shown : '').padEnd(widest), 'key'), ...spans));
  });
}

function undoRows({ text, page, size: { columns } }: State): Row[] {
  const script = text.steps[page - 1]?.undo ?? '';
  return [
    BLANK,
    ...script
      .trimEnd()
      .split('\n')
      .flatMap((line) => wrapRows([span(line, 'command')], columns)),
  ];
}

function repeatRows({ text, size: { columns } }: State, lost: readonly string[]): Row[] {
  const steps = text.steps.filter(({ name }) => lost.includes(name));
  const words = 'The lab is gone, or was deployed again, since you were here. What these steps did no longer holds:';
  return [
    ...markdownRows(`# Do the earlier steps again?\n\n${words}`, columns),
    BLANK,
    ...steps.map((step) => row(span('✗ ', 'bad'), `${text.steps.indexOf(step) + 1} ${step.title}`)),
    BLANK,
    ...markdownRows('**y** lets wglab do them again, in their order; **n** leaves everything as it is.', columns),
  ];
}
