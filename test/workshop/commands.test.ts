import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandsIn, MarkFilter, markedScript } from '../../src/workshop/commands.ts';

test('a script falls into the commands that a person types', () => {
  const commands = [
    'wglab deploy nc',
    '# a comment belongs to what it is about\nkubectl get pods',
    'kubectl patch x -p \'{\n  "a": 1\n}\'',
    'for n in 1 2; do\n  echo $n\ndone',
    'cat <<EOF\nwords\nEOF',
    'echo one \\\n  two',
    'echo one |\n  cat',
  ];
  expect(commandsIn(commands.join('\n\n'))).toEqual(commands);
});

test('a script that is marked does what it does without, and its marks can be told apart', () => {
  const { commands, script, mark } = markedScript('a=1\necho "$a"; echo $((a + 1))\n{ echo x; echo y; } | tac');
  const output = execFileSync('bash', ['-euo', 'pipefail', '-c', script], { encoding: 'utf8' });
  expect(commands).toHaveLength(3);
  expect(output.split(mark)).toEqual(['', '1\n2\n', 'y\nx\n']);
});

test('where a script asks for the status of the command before, nothing comes between', () => {
  expect(markedScript('false || true\necho $?').commands).toHaveLength(1);
});

test('marks are found wherever the pieces of a stream are cut', () => {
  const mark = '\u001eab\u001e';
  const part = fc
    .string({ unit: fc.constantFrom('a', 'b', '\u001e') })
    .filter((text) => !`${text}${mark}`.slice(0, -1).includes(mark));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), fc.array(fc.nat(7)), (parts, cuts) => {
      const stream = Buffer.from(parts.join(mark));
      const seen = [''];
      const filter = new MarkFilter(
        mark,
        (chunk) => seen.push(`${seen.pop()}${chunk}`),
        () => seen.push(''),
      );
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        filter.write(stream.subarray(at, at + cut));
        at += cut;
      }
      filter.end();
      expect(seen).toEqual(parts.join(mark).split(mark));
    }),
  );
});
