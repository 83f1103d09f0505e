import { stripVTControlCharacters } from 'node:util';

/**
 * Returns where real output has another shape than an example of it, or undefined if it has the same: line by line the same
 * words, while numbers, times, addresses, keys and the random parts of names may differ. A line `...` in the example stands for any lines,
 * also none; `...` within a line for any text.
 */
export function otherShape(example: string, real: string): string | undefined {
  const wanted = inAnyOrder(example.trim().split('\n').map(shapeOf));
  const seen = inAnyOrder(linesOf(real).map(shapeOf));
  const segments = split(wanted);
  const [first = [], ...later] = segments;
  const last = later.pop();
  const told = (segment: readonly string[], where: string) =>
    `${where}\n  ${segment.join('\n  ')}\nnot in\n  ${seen.join('\n  ')}`;
  if (!matchesAt(first, seen, 0)) return told(first, 'at the beginning');
  if (!last)
    return seen.length === first.length ? undefined : told(first, `${first.length} lines, not ${seen.length}:`);
  let at = first.length;
  for (const segment of later) {
    while (at <= seen.length && !matchesAt(segment, seen, at)) at++;
    if (at > seen.length) return told(segment, 'in the middle');
    at += segment.length;
  }
  const start = seen.length - last.length;
  return start >= at && matchesAt(last, seen, start) ? undefined : told(last, 'at the end');
}

/** Text that varies from one run to another, in the order of the search; the first pattern that fits a piece of text names it. */
const VARIES: readonly (readonly [RegExp, string])[] = [
  // The columns of kubectl get nodes -o wide about the machine of the nodes.
  [/<none>\s+\S.*?\s+(?=\w+:\/\/)/g, '<none> MACHINE '],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/(?<![\w+/])[A-Za-z0-9+/]{42,43}=/g, 'KEY'],
  // Before times and ages: `02:42:10` begins an address, and `4d 1h` are bytes.
  [/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi, 'MAC'],
  [/\b(?:[0-9a-f]{2} )+[0-9a-f]{2}\b/g, 'BYTES'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, 'TIME'],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?\b/g, 'TIME'],
  [/(?<![\w:.])(?=[0-9a-f:]*:[0-9a-f:]*:)[0-9a-f:]{2,}[0-9a-f](?:\/\d+)?(?!\w|:\S)/gi, 'ADDRESS'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?:\/\d+)?\b/g, 'ADDRESS'],
  [/\b(?:\d+ (?:seconds?|minutes?|hours?|days?),? ?)+ago\b|\bNow\b/g, 'AGO'],
  [/\b\d+(?:\.\d+)? (?:ms|s|B|[KMG]i?B)\b/g, 'AMOUNT'],
  [/\b(?:\d+[dhms])+\b/g, 'AGE'],
  // The suffix that Kubernetes adds to the names of pods: letters and digits that make no words (apimachinery's SafeEncodeString).
  [/-(?:[bcdfghjklmnpqrstvwxz2456789]{8,10}-)?[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-POD'],
  // Which of the workers it is, the scheduler decides.
  [/\bworker\d*\b/g, 'WORKER'],
  // Lines of tcpdump -x.
  [/^\s*0x[0-9a-f]{4}:.*$/g, 'HEXDUMP'],
  [/\b0x[0-9a-f]+\b/gi, 'NUMBER'],
  [/\b(?=[a-f]*\d)[0-9a-f]{4,}\b/g, 'NUMBER'],
  [/\d+(?:\.\d+)?/g, 'NUMBER'],
];

/** A line with a word for all that varies; blanks between columns vary with what is in them. */
function shapeOf(line: string): string {
  let shape = line;
  for (const [pattern, name] of VARIES) shape = shape.replace(pattern, name);
  return shape.trim().replace(/\s+/g, ' ');
}

/** kubectl sorts pods by their names, and so by what is random in them: their rows may come in any order. */
function inAnyOrder(shapes: readonly string[]): string[] {
  const ordered: string[] = [];
  let pods: string[] = [];
  for (const shape of shapes) {
    if (/^(?:\S+ )?\S*-POD /.test(shape)) pods.push(shape);
    else {
      ordered.push(...pods.sort(), shape);
      pods = [];
    }
  }
  return [...ordered, ...pods.sort()];
}

function linesOf(output: string): string[] {
  const text = stripVTControlCharacters(output).trim();
  return text === '' ? [] : text.split('\n').map((line) => line.trimEnd().split('\r').at(-1) ?? '');
}

/** The lines between those that say `...`. */
function split(lines: readonly string[]): string[][] {
  const segments: string[][] = [[]];
  for (const line of lines) {
    if (line === '...' || line === '…') segments.push([]);
    else segments.at(-1)?.push(line);
  }
  return segments;
}

function matchesAt(segment: readonly string[], lines: readonly string[], at: number): boolean {
  return segment.every((wanted, i) => {
    const line = lines[at + i];
    return line !== undefined && (line === wanted || open(wanted)?.test(line));
  });
}

/** A line of an example that leaves something out, as a regular expression. */
function open(wanted: string): RegExp | undefined {
  const parts = wanted.split(/\.\.\.|…/);
  if (parts.length === 1) return undefined;
  return new RegExp(`^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
}
