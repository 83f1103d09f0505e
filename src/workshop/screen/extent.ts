import { pageOf } from './page.ts';
import type { State } from './state.ts';

/** Rows of the header and of the footer (frame.ts). */
const HEADER = 3;
const FOOTER = 2;

/** How many rows the page has: what the header, the footer and the pane of the wire leave. */
export function bodyHeight(state: State): number {
  return Math.max(0, state.size.rows - HEADER - FOOTER - wireHeight(state));
}

export function wireHeight({ wire, size }: State): number {
  if (!wire) return 0;
  const room = Math.max(0, size.rows - HEADER - FOOTER);
  return wire.size === 'full' ? room : Math.ceil(room / 2);
}

/** How far down the page can be scrolled. */
export function lowest(state: State): number {
  return Math.max(0, pageOf(state).rows.length - bodyHeight(state));
}
