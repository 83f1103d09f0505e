import type { Place, Problem } from './problem.ts';

/** The parts that a lab's Markdown consists of, one after the other. Places are of their first lines. */
export type Part =
  | { kind: 'heading'; level: number; title: string; place: Place }
  /** A fenced block; `words` are what follows its fence, `source` is all of it as written. */
  | { kind: 'fence'; words: string[]; text: string; source: string; place: Place }
  | { kind: 'details'; summary: string; markdown: string; place: Place }
  | { kind: 'prose'; markdown: string; place: Place };

export interface Scan {
  parts: Part[];
  /** A block was left open, so that what follows it was not understood. */
  open: boolean;
}

const FENCE = /^(`{3,}|~{3,})[ \t]*(.*?)[ \t]*$/;
const INDENTED_FENCE = /^[ \t]+(?:`{3,}|~{3,})/;
const HEADING = /^(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$/;
const NEARLY_HEADING = /^(?:#{1,6}[^#\s!]|[ \t]{1,3}#{1,6}[ \t])/;
const UNDERLINE = /^(?:=+|-+)[ \t]*$/;
const SUMMARY = /^<summary>(.*)<\/summary>[ \t]*$/;

/**
 * Cuts the lines of a lab from `first` on (counted from 0) into parts: a scanner for just the Markdown that labs are written in.
 * Adds to the problems what Markdown reads otherwise than its writer most likely meant.
 */
export function scan(lines: readonly string[], first: number, file: string, problems: Problem[]): Scan {
  const parts: Part[] = [];
  let prose: string[] = [];
  let open = false;
  const at = (index: number): Place => ({ file, line: index + 1, column: 1 });
  const report = (index: number, message: string, remedy: string) =>
    problems.push({ place: at(index), message, remedy });
  const endProse = (index: number) => {
    const start = prose.findIndex((line) => line.trim() !== '');
    const markdown = prose.slice(Math.max(start, 0)).join('\n').trimEnd();
    if (start >= 0) parts.push({ kind: 'prose', markdown, place: at(index - prose.length + start) });
    prose = [];
  };

  let i = first;
  while (i < lines.length) {
    const line = lines[i] ?? '';
    const [, fence, info = ''] = FENCE.exec(line) ?? [];
    const [, hashes, title = ''] = HEADING.exec(line) ?? [];
    if (fence !== undefined && !(fence.startsWith('`') && info.includes('`'))) {
      endProse(i);
      const end = endOfFence(lines, i, fence);
      if (!end.closed) {
        report(i, 'this block does not end', `Close it with a line ${fence}.`);
        open ||= end.index === lines.length;
      }
      const text = lines.slice(i + 1, end.index).join('\n');
      const source = lines.slice(i, end.next).join('\n');
      parts.push({ kind: 'fence', words: info.split(/\s+/).filter(Boolean), text, source, place: at(i) });
      i = end.next;
    } else if (hashes !== undefined) {
      endProse(i);
      parts.push({ kind: 'heading', level: hashes.length, title: title.trim(), place: at(i) });
      i++;
    } else if (/^<details\b/i.test(line)) {
      endProse(i);
      const details = readDetails(lines, i, report);
      if (details.markdown !== undefined) {
        parts.push({ kind: 'details', summary: details.summary, markdown: details.markdown, place: at(i) });
      }
      i = details.next;
    } else if (line.startsWith('<!--')) {
      endProse(i);
      const end = lines.findIndex((each, index) => index >= i && each.includes('-->'));
      if (end < 0) {
        report(i, 'this comment does not end', 'Close it with -->.');
        open = true;
      }
      i = end < 0 ? lines.length : end + 1;
    } else {
      if (INDENTED_FENCE.test(line)) {
        report(i, 'a fence that is indented', 'Begin the fence at the start of the line.');
      } else if (NEARLY_HEADING.test(line)) {
        report(
          i,
          'a heading begins at the start of the line, with a space after the #',
          'Write headings as `## Heading`.',
        );
      } else if (UNDERLINE.test(line) && (prose.at(-1) ?? '').trim() !== '') {
        report(
          i,
          'a line like this makes a heading of the line above',
          'Write headings as `## Heading`; leave a line empty before a rule.',
        );
      } else if (/^<\/?(?:details|summary)>/i.test(line)) {
        report(i, `${line.trim()} belongs to no <details>`, 'Begin a hint with a line <details>.');
      }
      prose.push(line);
      i++;
    }
  }
  endProse(lines.length);
  return { parts, open };
}

/** Returns the end of a fenced block. The next block's beginning ends it too, so that one missing line hides no other mistake. */
function endOfFence(
  lines: readonly string[],
  start: number,
  fence: string,
): { index: number; next: number; closed: boolean } {
  for (let index = start + 1; index < lines.length; index++) {
    const [, other = '', info = ''] = FENCE.exec(lines[index] ?? '') ?? [];
    if (other[0] !== fence[0] || other.length < fence.length) continue;
    return info === '' ? { index, next: index + 1, closed: true } : { index, next: index, closed: false };
  }
  return { index: lines.length, next: lines.length, closed: false };
}

/** A `<details>` with its `<summary>`, written so that web pages show what is in it as Markdown. Has no `markdown` if it is wrong. */
function readDetails(
  lines: readonly string[],
  start: number,
  report: (index: number, message: string, remedy: string) => void,
): { summary: string; markdown?: string; next: number } {
  const [, sameLine = ''] = /^<details>[ \t]*(.*)$/i.exec(lines[start] ?? '') ?? [];
  const at = sameLine === '' ? start + 1 : start;
  const [, summary] = SUMMARY.exec(sameLine || (lines[at] ?? '')) ?? [];
  const body = summary === undefined ? start + 1 : at + 1;
  const end = endOfDetails(lines, body);
  const closed = lines[end]?.trim().toLowerCase() === '</details>';
  if (!closed) report(start, 'this <details> does not close', 'Close it with a line </details>.');
  if (summary === undefined) {
    report(start, 'this <details> has no summary', 'Begin it with <summary>Hint: what it helps with</summary>.');
  } else if (summary.trim() === '') {
    report(at, 'the summary is empty', 'Say in it what the hint helps with.');
  } else if (body < end && lines[body]?.trim() !== '') {
    report(
      body,
      'without an empty line before this, web pages show it as it is written',
      'Leave a line empty after </summary>.',
    );
  }
  const after = lines[end + 1] ?? '';
  if (closed && after.trim() !== '' && !/^<details/i.test(after)) {
    report(
      end + 1,
      'without an empty line before this, web pages take it for a part of the hint',
      'Leave a line empty after </details>.',
    );
  }
  const next = closed ? end + 1 : end;
  if (!closed || summary === undefined) return { summary: '', next };
  return { summary: summary.trim(), markdown: lines.slice(body, end).join('\n').trim(), next };
}

/** Returns the line that closes a `<details>`; if it is missing, the one at which the next part begins. */
function endOfDetails(lines: readonly string[], body: number): number {
  for (let index = body; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const [, fence] = FENCE.exec(line) ?? [];
    if (fence !== undefined) index = endOfFence(lines, index, fence).next - 1;
    else if (/^(?:<\/details>\s*$|<details\b|##? )/i.test(line)) return index;
  }
  return lines.length;
}
