import { visibleLength } from './terminal.ts';

/** Breaks a text at its spaces into lines of a width; a longer word is cut. None for an empty text. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => cut(each, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** Columns of lines next to each other, each filled up to the width. Colours count for no width. */
export function sideBySide(columns: readonly (readonly string[])[], width: number, between: string): string[] {
  const height = Math.max(...columns.map((lines) => lines.length));
  return Array.from({ length: height }, (_, i) => {
    const cells = columns.map((lines) => lines[i] ?? '');
    return cells
      .map((cell) => cell + ' '.repeat(Math.max(0, width - visibleLength(cell))))
      .join(between)
      .trimEnd();
  });
}

function cut(word: string, width: number): string[] {
  if (word.length <= width) return [word];
  return Array.from({ length: Math.ceil(word.length / width) }, (_, i) => word.slice(i * width, (i + 1) * width));
}
