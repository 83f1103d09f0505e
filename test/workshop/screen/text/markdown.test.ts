import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../../../src/text/wrap.ts';
import { inlineSpans } from '../../../../src/workshop/screen/text/inline.ts';
import { markdownRows } from '../../../../src/workshop/screen/text/markdown.ts';
import { textOf } from '../fixture.ts';

const shown = (markdown: string, width = 40) => textOf(markdownRows(markdown, width)).split('\n');

describe('blocks', () => {
  it('wraps paragraphs at words, and no wider than can be read', () => {
    expect(shown('one two\nthree four', 9)).toEqual(['one two', 'three', 'four']);
    expect(Math.max(...shown('word '.repeat(100), 200).map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('sets lists in, numbered and nested', () => {
    expect(shown('- the first item of two\n  goes on\n- second\n  1. inner\n\nAfter.', 20)).toEqual([
      '• the first item of',
      '  two goes on',
      '• second',
      '  1. inner',
      '',
      'After.',
    ]);
  });

  it('keeps items of a list together', () => {
    expect(shown('- a\n- b\n- c')).toEqual(['• a', '• b', '• c']);
  });

  it('marks quotes, cuts no code, and says where links lead', () => {
    expect(shown('> said\n> so')).toEqual(['│ said so']);
    expect(shown('```sh\nkubectl get pods\n```')).toEqual(['kubectl get pods']);
    expect(shown('[docs](https://example.com/a) and [here](other.md)')).toEqual([
      'docs (https://example.com/a) and here',
    ]);
  });

  it('aligns tables, and wraps their cells where they are too wide', () => {
    expect(shown('| a | long head |\n|---|---|\n| `x|y` | z |')).toEqual(['a    long head', 'x|y  z']);
    const narrow = shown(`| a | b |\n|---|---|\n| x | ${'word '.repeat(20)}|`, 30);
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(30);
    expect(narrow.join(' ').match(/word/g)).toHaveLength(20);
  });
});

it('knows code, strong, emphasis, escapes and entities', () => {
  expect(inlineSpans('a **b `c`** *d* _e_ \\*f\\* snake_case_name 2 * 3 * 4 &lt;g&gt;')).toEqual([
    { text: 'a ', style: 'plain' },
    { text: 'b ', style: 'strong' },
    { text: 'c', style: 'code' },
    { text: ' ', style: 'plain' },
    { text: 'd', style: 'emphasis' },
    { text: ' ', style: 'plain' },
    { text: 'e', style: 'emphasis' },
    { text: ' ', style: 'plain' },
    { text: '*', style: 'plain' },
    { text: 'f', style: 'plain' },
    { text: '*', style: 'plain' },
    { text: ' snake_case_name 2 * 3 * 4 <g>', style: 'plain' },
  ]);
});

/** Text in which everything that means something to Markdown is frequent. */
const markdown = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '# ',
        '- ',
        '  - ',
        '1. ',
        '> ',
        '```',
        '`',
        '**',
        '*',
        '_',
        '| a | b |',
        '|---|',
        '[x](y)',
        '\n',
        '\n\n',
        '\t',
        '\u001b[31m',
        '漢字',
        '🙂',
      ),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

it('is never wider than asked for, ends, and holds nothing that steers a terminal', () => {
  fc.assert(
    fc.property(markdown, fc.integer({ min: 40, max: 200 }), (text, width) => {
      for (const { spans } of markdownRows(text, width)) {
        expect(widthOf(spans)).toBeLessThanOrEqual(width);
        expect(spans.map((one) => one.text).join('')).not.toMatch(/\p{Cc}/u);
      }
    }),
    { numRuns: 300 },
  );
});

it('shows every word of a paragraph once, in order', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,60}$/), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(words, fc.integer({ min: 10, max: 100 }), (list, width) => {
      expect(shown(list.join(' '), width).join('').replaceAll(' ', '')).toBe(list.join(''));
    }),
  );
});
