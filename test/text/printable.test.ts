import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { annotations, stepSummary } from '../../src/report/github.ts';
import { smokeJunit } from '../../src/report/smoke.ts';
import { escapeMarkdown, escapeXml, markdownCode, workflowMessage } from '../../src/text/escape.ts';
import { printable, printableJson, printableLines } from '../../src/text/printable.ts';
import { createPalette, rendered } from '../../src/text/style.ts';
import { table } from '../../src/text/table.ts';
import { span } from '../../src/workshop/screen/text/row.ts';

/** Matches everything that no terminal, log or page may get from a stranger. */
const HARMFUL = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;

const HOSTILE = [
  '\u001b[2J\u001b[31mred',
  '\u009b31mred',
  'a\r\nPASS every pair is encrypted',
  'b%0A::error::x',
  'c]]><script>alert(1)</script>',
  'd\u202egnp.exe',
  'e\u0000\ud800f',
  '::add-mask::g',
  '[click](javascript:h)',
  '|i|\n| --- |',
];

const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }));

describe('text from a stranger', () => {
  test('is printable on one line', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(printable(text)).not.toMatch(HARMFUL);
        expect(printable(text)).not.toContain('\n');
        expect(printableLines(text)).not.toMatch(HARMFUL);
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
    expect(printable('\u001b[31m\u202e\n')).toBe('\\u{1b}[31m\\u{202e}\\n');
    expect(printable('Grüße, 漢字 👩‍👧')).toBe('Grüße, 漢字 👩‍👧');
  });

  test('cannot colour what wglab writes, which has colours of its own', () => {
    const { green, bold } = createPalette(true);
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = rendered(`${green(text)} ${text} ${bold(text)}`);
        const own = ['\u001b[32m', '\u001b[39m', '\u001b[1m', '\u001b[22m'];
        const rest = own.reduce((left, code) => left.replace(code, ''), shown);
        expect(rest).not.toMatch(HARMFUL);
      }),
    );
  });

  test('in a table stays in its cell', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(rendered(table(['A', 'B'], [[text, text]])).split('\n')).toHaveLength(2);
      }),
    );
  });

  test('in JSON comes back as it was, and moves no cursor', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = printableJson({ [text]: text });
        expect(json).not.toMatch(HARMFUL);
        expect(JSON.parse(json)).toEqual({ [text]: text });
      }),
    );
  });

  test('on the screen of the workshop is printable', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(span(text).text).not.toMatch(HARMFUL);
      }),
    );
  });
});

describe('reports', () => {
  const result = (text: string) => ({
    lab: text,
    engine: text,
    verdict: 'fail' as const,
    phases: [{ name: text, verdict: 'fail' as const, seconds: 1, detail: text }],
    seconds: 1,
  });

  test('JUnit has no element or entity that a stranger wrote', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const xml = smokeJunit(result(text));
        expect(xml).not.toMatch(HARMFUL);
        const names = [...xml.matchAll(/<\/?([^\s>/?]+)/g)].map(([, name]) => name);
        expect(new Set(names)).toEqual(
          new Set(
            ['xml', 'testsuites', 'testsuite', 'properties', 'property', 'testcase', 'failure'].filter((name) =>
              names.includes(name),
            ),
          ),
        );
        expect(xml.replace(/&(?:amp|lt|gt|quot|apos|#10);/g, '')).not.toContain('&');
      }),
    );
    expect(escapeXml(']]>')).toBe(']]&gt;');
  });

  test('a workflow command is one line, and the only one', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = annotations(result(text)).trimEnd().split('\n');
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(/^::error title=[^,:]*::/);
        expect(lines[0]).not.toMatch(HARMFUL);
      }),
    );
    expect(workflowMessage('50%0A\nb')).toBe('50%250A%0Ab');
  });

  test('a step summary has one row for a phase, and no markup in it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const summary = stepSummary(result(text));
        expect(summary).not.toMatch(HARMFUL);
        expect(summary.split('\n').filter((line) => line.startsWith('| ❌'))).toHaveLength(1);
        const markup = summary.replace(/^Lab .*$/m, '').replaceAll('<br>', '');
        expect(markup).not.toContain('<');
      }),
    );
    expect(escapeMarkdown('[a](b) <i>')).toBe('\\[a\\]\\(b\\) &lt;i&gt;');
    expect(markdownCode('a`b')).toBe('`` a`b ``');
  });
});
