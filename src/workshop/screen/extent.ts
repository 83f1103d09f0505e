import { pageOf } from './page.ts';
import type { State } from './state.ts';

/** Rows of the header and of the footer (frame.ts). */
const HEADER = 3;
const FOOTER = 2;

/** Returns how many rows the header, the footer and the wire pane leave for the page. */
export function bodyHeight(state: State): number {
  return Math.max(0, state.size.rows - HEADER - FOOTER - wireHeight(state));
}

export function wireHeight({ wire, size }: State): number {
  if (!wire) return 0;
  const room = Math.max(0, size.rows - HEADER - FOOTER);
  return wire.size === 'full' ? room : Math.ceil(room / 2);
}

/** Returns how far down the page can be scrolled. */
export function lowest(state: State): number {
  return Math.max(0, pageOf(state).rows.length - bodyHeight(state));
}
