import { terminalText } from '../../../text/terminal-text.ts';
import { inlineSpans } from './inline.ts';
import { BLANK, broken, type Row, type Span, span, wrapRows } from './row.ts';
import { tableRows } from './table.ts';

/** Prose is read most easily in lines of this many columns at most, however wide the terminal. */
const READABLE = 100;

/** Below this width, deep nesting is no longer indented further. */
const NARROWEST = 8;

/** Returns the rows of a text in Markdown: headings, paragraphs, lists, quotes, tables, code. Blocks have one blank row between them. */
export function markdownRows(markdown: string, width: number): Row[] {
  return blockRows(terminalText(markdown).split('\n'), width);
}

function blockRows(lines: readonly string[], width: number): Row[] {
  const rows: Row[] = [];
  let rest = lines;
  let apart = false;
  while (rest.length > 0) {
    const [first = ''] = rest;
    if (first.trim() === '') {
      rest = rest.slice(1);
      apart = true;
      continue;
    }
    const block = BLOCKS.find(({ begins }) => begins.test(first)) ?? PARAGRAPH;
    const length = Math.max(1, block.length(rest));
    const made = block.rows(rest.slice(0, length), width);
    // The items of a list are as close together as they are written.
    if (rows.length > 0 && made.length > 0 && (apart || !ITEM.test(first))) rows.push(BLANK);
    rows.push(...made);
    apart = false;
    rest = rest.slice(length);
  }
  return rows;
}

interface BlockKind {
  begins: RegExp;
  /** How many of the lines belong to it. */
  length(lines: readonly string[]): number;
  rows(lines: readonly string[], width: number): Row[];
}

const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/;
const TABLE = /^ {0,3}\|.*\|\s*$/;
const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/;
const HEADING = /^ {0,3}#{1,6}(?:\s|$)/;
const QUOTE = /^ {0,3}>/;

const BLOCKS: readonly BlockKind[] = [
  {
    begins: FENCE,
    length(lines) {
      const mark = FENCE.exec(lines[0] ?? '')?.[1] ?? '```';
      const end = lines.findIndex((line, i) => i > 0 && line.trim().startsWith(mark) && /^[`~\s]*$/.test(line));
      return end < 0 ? lines.length : end + 1;
    },
    rows(lines, width) {
      const shell = /^(?:sh|bash|shell|console)$/.test(FENCE.exec(lines[0] ?? '')?.[2] ?? '');
      const closed = lines.length > 1 && /^\s*[`~]+\s*$/.test(lines.at(-1) ?? '');
      const inside = lines.slice(1, closed ? -1 : undefined);
      return inside.flatMap((line) => broken(line, shell ? 'command' : 'dim', width));
    },
  },
  {
    begins: HEADING,
    length: () => 1,
    rows: ([line = ''], width) =>
      wrapRows(inlineSpans(line.replace(/^\s*#+\s*|\s+#*\s*$/g, ''), 'heading'), Math.min(width, READABLE)),
  },
  {
    begins: RULE,
    length: () => 1,
    rows: (_, width) => [{ spans: [span('─'.repeat(Math.min(width, READABLE)), 'dim')] }],
  },
  {
    begins: QUOTE,
    length: (lines) => countWhile(lines, (line) => QUOTE.test(line)),
    rows(lines, width) {
      const inside = lines.map((line) => line.replace(/^ {0,3}> ?/, ''));
      return indented(inside, [span('│ ', 'dim')], [span('│ ', 'dim')], width);
    },
  },
  {
    begins: TABLE,
    length: (lines) => countWhile(lines, (line) => TABLE.test(line)),
    rows: (lines, width) => tableRows(lines, width),
  },
  {
    begins: ITEM,
    length: (lines) =>
      1 + countWhile(lines.slice(1), (line, i, all) => belongsToItem(lines[0] ?? '', line, all[i + 1])),
    rows(lines, width) {
      const [whole = '', , mark = '', space = ' '] = ITEM.exec(lines[0] ?? '') ?? [];
      const shown = /\d/.test(mark) ? `${mark} ` : '• ';
      const inside = [
        (lines[0] ?? '').slice(whole.length),
        ...lines.slice(1).map((line) => outdent(line, mark.length + space.length)),
      ];
      return indented(inside, [span(shown, 'dim')], [span(' '.repeat(shown.length))], width);
    },
  },
];

const PARAGRAPH: BlockKind = {
  begins: /^/,
  length: (lines) =>
    1 + countWhile(lines.slice(1), (line) => line.trim() !== '' && !BLOCKS.some(({ begins }) => begins.test(line))),
  rows(lines, width) {
    // Two spaces at the end of a line, or a backslash, ask for a line break.
    const text = lines
      .map((line) =>
        line
          .trimStart()
          .replace(/(?: {2,}|\\)$/, '<br>')
          .trimEnd(),
      )
      .join(' ');
    return wrapRows(inlineSpans(text.replace(/<br>$/, '').replaceAll('<br> ', '<br>')), Math.min(width, READABLE));
  },
};

/** Matches lines that are indented, or that lazily continue the item's paragraph; a blank one only if an indented line follows. */
function belongsToItem(first: string, line: string, next: string | undefined): boolean {
  const base = first.search(/\S/);
  if (line.trim() === '') return next !== undefined && next.search(/\S/) > base;
  return line.search(/\S/) > base || !BLOCKS.some(({ begins }) => begins.test(line));
}

function indented(lines: readonly string[], first: Span[], others: Span[], width: number): Row[] {
  const taken = first.reduce((sum, { text }) => sum + text.length, 0);
  const room = width - taken;
  const inside = blockRows(lines, Math.max(room, NARROWEST));
  const rows = inside.length > 0 ? inside : [BLANK];
  if (room < NARROWEST) return rows;
  return rows.map(({ spans, ...rest }, i) => ({ ...rest, spans: [...(i === 0 ? first : others), ...spans] }));
}

function outdent(line: string, columns: number): string {
  return line.slice(Math.min(columns, Math.max(0, line.search(/\S|$/))));
}

function countWhile(
  lines: readonly string[],
  holds: (line: string, i: number, all: readonly string[]) => boolean,
): number {
  const end = lines.findIndex((line, i) => !holds(line, i, lines));
  return end < 0 ? lines.length : end;
}
