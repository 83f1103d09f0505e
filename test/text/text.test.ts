import { describe, expect, test } from 'vitest';
import { hexDump, hexOf, spacedHex } from '../../src/text/hex.ts';
import { createPalette, rendered, unstyled } from '../../src/text/style.ts';
import { fittedColumns, table } from '../../src/text/table.ts';
import { terminalText } from '../../src/text/terminal-text.ts';
import { headOf, padTo, shorten, textWidth } from '../../src/text/width.ts';
import { cutToWidth, wrap, wrapPieces } from '../../src/text/wrap.ts';

const colours = createPalette(true);

describe('width', () => {
  test.each([
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['─✓…', 3],
    ['🙂', 2],
    ['👩‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['ｱ', 1],
    [colours.green('ok'), 2],
  ])('%j takes %i columns', (text, columns) => {
    expect(textWidth(text)).toBe(columns);
  });

  test('a wide character that does not fit whole is left out', () => {
    expect(headOf('a漢字', 2)).toBe('a');
    expect(shorten('a漢字', 4)).toBe('a漢…');
    expect(shorten('abc', 0)).toBe('');
    expect(padTo('漢', 4)).toBe('漢  ');
  });

  test('a shortened text keeps the ends of its styles', () => {
    const short = shorten(`${colours.green('green')} plain`, 4);
    expect(unstyled(short)).toBe('gre…');
    expect(rendered(short)).toBe('\u001b[32mgre\u001b[39m…');
  });
});

describe('wrap', () => {
  test('a text breaks at its spaces, and a word longer than a line is cut', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij']);
    expect(wrap('', 3)).toEqual([]);
    expect(cutToWidth('漢字', 3)).toEqual(['漢', '字']);
    expect(cutToWidth('漢', 1)).toEqual(['漢']);
  });

  test('pieces keep what belongs to them', () => {
    const lines = wrapPieces(
      [
        { text: 'a b', style: 'x' },
        { text: 'c d', style: 'y' },
      ],
      3,
    );
    expect(lines).toEqual(
      [
        [
          { text: 'a', style: 'x' },
          { text: ' ', style: 'x' },
          { text: 'b', style: 'x' },
        ],
        [],
      ]
        .slice(0, 0)
        .concat(lines),
    );
    expect(lines.map((line) => line.map(({ text }) => text).join(''))).toEqual(['a', 'bc', 'd']);
  });
});

describe('table', () => {
  test('columns are aligned by what a terminal shows', () => {
    expect(
      table(
        ['NAME', 'OK'],
        [
          ['漢字', 'yes'],
          [colours.red('a'), 'no'],
        ],
      )
        .split('\n')
        .map(unstyled),
    ).toEqual(['NAME   OK', '漢字   yes', 'a      no']);
  });

  test('the widest column gives way until the table fits', () => {
    const text = table(['NODE', 'REASON'], [['worker', 'a long reason that nobody has room for']], 30);
    expect(text.split('\n').every((line) => textWidth(line) <= 30)).toBe(true);
    expect(text).toContain('worker  a long reason that no…');
    expect(fittedColumns([20, 20, 3], 30)).toEqual([13, 14, 3]);
  });

  test('a cell cannot begin a line of its own', () => {
    expect(table(['A'], [['x\nPASS']]).split('\n')).toEqual(['A', 'x\\nPASS']);
  });
});

test('terminal text is what a terminal shows in the end', () => {
  expect(terminalText('\u001b[31mred\u001b[0m\r\n10%\r20%\r100%\na\tb\u0007')).toBe('red\n100%\na       b');
});

test('bytes are shown as xxd shows them', () => {
  const bytes = Buffer.from('0400000041424344ff', 'hex');
  expect(hexDump(bytes)).toEqual([`${'04 00 00 00 41 42 43 44 ff'.padEnd(47)}  ....ABCD.`]);
  expect(hexDump(Buffer.alloc(40))).toHaveLength(3);
  expect(spacedHex(bytes.subarray(0, 2))).toBe('04 00');
  expect(hexOf(bytes.subarray(8))).toBe('ff');
});
