import { textWidth } from '../../text/width.ts';
import { lowest } from './extent.ts';
import { type Key, keysFor } from './key-help.ts';
import { type EncryptionState, type State, stepOf } from './state.ts';
import { justified, type Row, row, type Span, type Style, span } from './text/row.ts';

export function headerRows(state: State): Row[] {
  const { text, lab, page, size, done, scroll, wire } = state;
  const { columns } = size;
  const step = stepOf(state);
  const where = step
    ? [
        span(`Step ${page} of ${text.steps.length}`, 'strong'),
        ...(done.has(step.name) ? [span(' ✓', 'good')] : []),
        // The title, while the page's own heading is out of sight.
        ...(scroll > 0 || wire?.size === 'full' ? [span(` ${step.title}`)] : []),
      ]
    : [span(page === 0 ? 'Introduction' : 'The end', 'strong'), span(`, ${text.steps.length} steps`)];
  return [
    justified([span(text.title, 'strong')], encryptionSpans(state.encryption), columns),
    justified(where, [span(`${lab.minutes} minutes in all`, 'dim')], columns),
    progressRow(state),
  ];
}

const ENCRYPTION: Record<EncryptionState, readonly [text: string, style: Style]> = {
  unknown: ['', 'dim'],
  'no lab': ['not deployed', 'dim'],
  off: ['encryption off', 'warning'],
  on: ['encryption on', 'good'],
  changing: ['encryption changing', 'warning'],
};

function encryptionSpans(state: EncryptionState): Span[] {
  const [text, style] = ENCRYPTION[state];
  return [span(text, style)];
}

/** A line under the header, strong as far as the lab is done. */
function progressRow({ size: { columns }, done, text }: State): Row {
  const gone = Math.round((columns * done.size) / Math.max(1, text.steps.length));
  return row(span('━'.repeat(gone), 'good'), span('─'.repeat(columns - gone), 'dim'));
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** How long each frame of the spinner is shown, in ms. */
export const SPIN_MS = 100;

export function footerRows(state: State): Row[] {
  const { columns } = state.size;
  return [justified(statusSpans(state), positionSpans(state), columns), keyRow(keysFor(state), columns)];
}

function statusSpans({ busy, now, notice }: State): Span[] {
  if (busy) {
    const past = Math.max(0, now - busy.since);
    const picture = SPINNER[Math.floor(past / SPIN_MS) % SPINNER.length] ?? '';
    const text = busy.stopping ? 'Stopping' : busy.text;
    return [span(`${picture} `, 'warning'), span(text, 'strong'), span(` ${(past / 1000).toFixed(1)} s`, 'dim')];
  }
  return notice ? [span(notice.text, notice.kind)] : [];
}

function positionSpans(state: State): Span[] {
  if (state.overlay || state.wire?.size === 'full') return [];
  const end = lowest(state);
  if (end === 0) return [];
  if (state.scroll >= end) return [span('end of page', 'dim')];
  return [span(`↓ more: space (${Math.round((100 * state.scroll) / end)} %)`, 'dim')];
}

/** Returns the keys that fit, choosing important ones first, in their original order. */
function keyRow(keys: readonly Key[], columns: number): Row {
  const shown = new Set<Key>();
  let room = columns + KEY_GAP.length;
  for (const one of keys.toSorted((a, b) => a.rank - b.rank)) {
    const width = textWidth(`${one.key} ${one.does}${KEY_GAP}`);
    if (width > room) continue;
    shown.add(one);
    room -= width;
  }
  const spans = keys
    .filter((one) => shown.has(one))
    .flatMap(({ key, does }, i) => [span(i === 0 ? '' : KEY_GAP), span(key, 'key'), span(` ${does}`)]);
  return { spans };
}

const KEY_GAP = '  ';
