import { bodyHeight, wireHeight } from './extent.ts';
import { footerRows, headerRows } from './frame.ts';
import { overlayRows } from './overlay.ts';
import { pageOf } from './page.ts';
import type { State } from './state.ts';
import { BLANK, cut, type Row, row } from './text/row.ts';
import { wireRows } from './wire-rows.ts';

/** A terminal smaller than this is too small to show anything useful. */
export const SMALLEST = { columns: 40, rows: 10 };

/** Returns the whole screen: as many rows as the terminal has, none wider than it. */
export function view(state: State): Row[] {
  const { columns, rows } = state.size;
  if (columns < SMALLEST.columns || rows < SMALLEST.rows) return tooSmall(state);
  const screen = [...headerRows(state), ...bodyRows(state), ...wirePane(state), ...footerRows(state)];
  return screen.map((line) => cut(line, columns));
}

function bodyRows(state: State): Row[] {
  const height = bodyHeight(state);
  const rows = state.overlay
    ? overlayRows(state, state.overlay, height)
    : pageOf(state).rows.slice(state.scroll, state.scroll + height);
  return filled(rows, height);
}

function wirePane(state: State): Row[] {
  return state.wire ? filled(wireRows(state.wire, state.size.columns, wireHeight(state)), wireHeight(state)) : [];
}

function filled(rows: readonly Row[], height: number): Row[] {
  const shown = rows.slice(0, height);
  return [...shown, ...Array.from({ length: height - shown.length }, () => BLANK)];
}

function tooSmall({ size: { columns, rows } }: State): Row[] {
  const words = [
    `At least ${SMALLEST.columns}×${SMALLEST.rows},`,
    `please: this is`,
    `${columns}×${rows}.`,
    'q quits.',
  ];
  return filled(
    words.map((line) => cut(row(line), columns)),
    rows,
  );
}
