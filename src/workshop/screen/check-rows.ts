import type { Step } from '../../lab/step.ts';
import { terminalText } from '../../text/terminal-text.ts';
import type { CheckedCondition } from './state.ts';
import { inlineSpans } from './text/inline.ts';
import { cut, type Row, row, span, wrapRows } from './text/row.ts';

/** How much of what a check saw is shown; more would push the words off the screen. */
const SEEN_LINES = 5;

/** Returns the rows for a check's result: every condition that does not hold, in the lab's words, with what was seen instead. */
export function checkRows(checked: readonly CheckedCondition[], step: Step, hints: number, columns: number): Row[] {
  const failed = checked.filter(({ holds }) => !holds);
  if (failed.length === 0) {
    const all = checked.length === 1 ? 'The check holds.' : `All ${checked.length} conditions hold.`;
    return [row(span(`✓ ${all}`, 'good'))];
  }
  const rows = failed.flatMap(({ condition, seen }) => [
    ...mended(condition.otherwise, columns),
    ...seenRows(seen, columns),
  ]);
  const kept = checked.length - failed.length;
  const others = kept > 0 ? [row(span(`✓ ${kept} of ${checked.length} conditions hold.`, 'good'))] : [];
  const more = hints < step.hints.length ? [row(span('h', 'key'), ' gives a hint.')] : [];
  return [...rows, ...others, ...more];
}

function mended(otherwise: string, columns: number): Row[] {
  const words = wrapRows(inlineSpans(terminalText(otherwise)), Math.max(1, columns - 2));
  return words.map(({ spans }, i) => ({ spans: [span(i === 0 ? '✗ ' : '  ', 'bad'), ...spans] }));
}

/** Returns the last lines of what a check saw, where commands say what went wrong. */
function seenRows(seen: string, columns: number): Row[] {
  const lines = terminalText(seen)
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (lines.length === 0) return [row(span('  It printed nothing.', 'dim'))];
  const words = lines.length > SEEN_LINES ? 'What was seen, the end of it:' : 'What was seen:';
  const shown = lines.slice(-SEEN_LINES).map((line) => cut(row(`  ${line}`), columns));
  return [row(span(`  ${words}`, 'dim')), ...shown];
}
