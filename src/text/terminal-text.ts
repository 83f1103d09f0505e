import { stripVTControlCharacters } from 'node:util';
import { UNPRINTABLE } from './printable.ts';
import { textWidth } from './width.ts';

/**
 * Returns what a terminal shows in the end of output that is written to it, without colours and cursor movements: a line that was
 * overwritten by means of carriage returns is there once, and tabs are spaces.
 */
export function terminalText(output: string): string {
  return stripVTControlCharacters(output).replace(/\r+\n/g, '\n').split('\n').map(terminalLine).join('\n');
}

function terminalLine(line: string): string {
  const shown = line.slice(line.replace(/\r+$/, '').lastIndexOf('\r') + 1);
  return expandTabs(shown).replace(UNPRINTABLE, '');
}

const TAB = 8;

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line;
  return line.split('\t').reduce((before, after) => before + ' '.repeat(TAB - (textWidth(before) % TAB)) + after);
}
