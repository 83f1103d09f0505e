import { describe, expect, it } from 'vitest';
import { drawing } from '../../../../src/workshop/screen/text/drawing.ts';
import { broken, row, span } from '../../../../src/workshop/screen/text/row.ts';

const AT = (line: number, text: string) => `\u001b[${line};1H${text}`;

describe('drawing', () => {
  it('writes what is different, and nothing where nothing is', () => {
    const before = [row('one'), row('two')];
    expect(drawing(before, [row('one'), row('two')], 10, false)).toBe('');
    expect(drawing(before, [row('one'), row('three')], 10, false)).toContain(AT(2, 'three\u001b[K'));
    expect(drawing(before, [row('one'), row('three')], 10, false)).not.toContain('one');
    expect(drawing(undefined, before, 10, false)).toContain('\u001b[2J');
  });

  it('leaves it to the terminal to break the line of a command, so that it is copied as one', () => {
    const command = 'kubectl get pods --all-namespaces';
    const rows = broken(command, 'plain', 12);
    expect(rows).toHaveLength(3);
    expect(drawing(undefined, rows, 12, false)).toContain(AT(1, `${command}\u001b[K`));
    // And writes the whole of it when a part is different.
    const after = [...rows.slice(0, 2), row('other')];
    expect(drawing(rows, after, 12, false)).toContain(AT(1, 'kubectl get pods --all-nother'));
  });

  it('colours nothing where no colours are wanted', () => {
    const secret = [row(span('pw', 'secret'), span('ok', 'good'))];
    expect(drawing(undefined, secret, 10, true)).toContain('\u001b[30;43mpw');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(drawing(undefined, secret, 10, false)).not.toMatch(/\u001b\[[\d;]*[34]\d[;m]/);
  });
});
