import { describe, expect, test } from 'vitest';
import { listLabs } from '../../src/lab/lab-definition.ts';
import { parseLabText, readLabText } from '../../src/lab/lab-text.ts';
import { InputFailure } from '../../src/lab/problem.ts';

const TOP = '---\ntitle: T\n---\n\n# T\n\n'; // 6 lines

/** Every problem as LINE:COLUMN message, of a lab whose text begins in line 7. */
function problemsOf(text: string, top = TOP): string[] {
  try {
    parseLabText(top + text, 'x.md');
  } catch (error) {
    if (!(error instanceof InputFailure)) throw error;
    for (const { remedy, message } of error.problems) expect(remedy ?? message).toMatch(/\S/);
    return error.problems.map(({ place, message }) => `${place.line}:${place.column} ${message}`);
  }
  return [];
}

test('a lab with everything that there is', () => {
  const { title, introduction, steps } = parseLabText(
    `${TOP}Hello.

\`\`\`text picture
A -- B
\`\`\`

## Turn *it* on!

Why.

\`\`\`yaml
a: 1
\`\`\`

### More

\`\`\`sh background
tcpdump
\`\`\`

\`\`\`sh
echo one
\`\`\`

It prints

\`\`\`text
one
\`\`\`

\`\`\`sh undo
rm x
\`\`\`

<!-- nobody reads
## this -->

\`\`\`yaml check
- run: cat x
  prints: ^one$
  otherwise: Do it.
- run: "true"
  status: 2
  lacks: b
  otherwise: No.
\`\`\`

<details>
<summary>Hint: look</summary>

\`\`\`sh
</details>
\`\`\`

</details>
<details><summary>Hint: again</summary>

Here.

</details>

## Ende

Ü.
`,
    'x.md',
  );
  const at = (line: number, column = 1) => ({ file: 'x.md', line, column });
  expect({ title, introduction }).toEqual({
    title: 'T',
    introduction: [
      { kind: 'prose', markdown: 'Hello.', place: at(7) },
      { kind: 'picture', text: 'A -- B', place: at(9) },
    ],
  });
  expect(steps).toEqual([
    {
      title: 'Turn *it* on!',
      name: 'turn-it-on',
      place: at(13),
      blocks: [
        { kind: 'prose', markdown: 'Why.\n\n```yaml\na: 1\n```\n\n### More', place: at(15) },
        { kind: 'commands', script: 'tcpdump', background: true, place: at(23) },
        { kind: 'commands', script: 'echo one', background: false, place: at(27) },
        { kind: 'prose', markdown: 'It prints', place: at(31) },
        { kind: 'output', text: 'one', place: at(33) },
      ],
      check: [
        { run: 'cat x', prints: '^one$', status: 0, otherwise: 'Do it.', place: at(45, 3) },
        { run: 'true', lacks: 'b', status: 2, otherwise: 'No.', place: at(48, 3) },
      ],
      hints: [
        { title: 'look', markdown: '```sh\n</details>\n```' },
        { title: 'again', markdown: 'Here.' },
      ],
      undo: 'rm x',
    },
    { title: 'Ende', name: 'ende', place: at(68), blocks: [expect.anything()], check: [], hints: [] },
  ]);
});

test('lines that end as on Windows are the same lines', () => {
  const text = `${TOP}## A\n\n\`\`\`sh\necho\n\`\`\`\n`;
  expect(parseLabText(text.replaceAll('\n', '\r\n'), 'x')).toEqual(parseLabText(text, 'x'));
});

const step = (text: string) => `## A\n\n${text}\n`; // its text begins in line 9
const fence = (info: string, text = 'x') => `\`\`\`${info}\n${text}\n\`\`\`\n`;
const check = (yaml: string) => step(fence('yaml check', yaml)); // its text begins in line 10

describe('mistakes', () => {
  test.each([
    ['a block that does not end', step('```sh\necho'), ['9:1 this block does not end']],
    [
      'a block that ends where the next begins',
      step(`\`\`\`sh\necho\n${fence('text')}`),
      ['9:1 this block does not end'],
    ],
    [
      'another word',
      step(fence('sh backgruond')),
      ['9:1 unknown word "backgruond" after sh; did you mean "sh background"?'],
    ],
    ['another shell', step(fence('bash')), ['9:1 unknown kind of block "bash"; did you mean "sh"?']],
    ['another kind', step(fence('yml')), ['9:1 unknown kind of block "yml"; did you mean "yaml"?']],
    ['no kind', step(fence('')), ['9:1 a block that does not say what it is']],
    ['an empty block', step(fence('sh', '')), ['9:1 this block is empty']],
    [
      'an indented fence',
      step('  ```sh\n  x\n  ```'),
      ['9:1 a fence that is indented', '11:1 a fence that is indented'],
    ],
    ['a check that is no list', check('run: x'), ['10:1 check must be a list, not a map']],
    ['an empty check', check('[]'), ['10:1 check must have at least one condition']],
    ['a check that says nothing', check('# x'), ['9:1 this check says nothing']],
    ['a check that is not YAML', check('- run: "x'), [expect.stringMatching(/^\d+:\d+ missing closing/)]],
    [
      'a condition without anything',
      check('- prints: x'),
      ['10:3 the key "run" is missing in check[0]', '10:3 the key "otherwise" is missing in check[0]'],
    ],
    [
      'an unknown key',
      check('- run: x\n  otherwise: Do it.\n  print: z'),
      ['12:3 unknown key "print" in check[0]; did you mean "prints"?'],
    ],
    [
      'a bad regular expression',
      check('- run: x\n  otherwise: Do it.\n  prints: (a'),
      ['12:11 check[0].prints is no regular expression: Unterminated group'],
    ],
    [
      'a status that is none',
      check('- run: x\n  otherwise: Do it.\n  status: 256'),
      ['12:11 check[0].status must be from 0 to 255'],
    ],
    [
      'output of nothing',
      step(fence('text')),
      ['9:1 an example of output, but there are no commands before it that print it'],
    ],
    [
      'output twice',
      step(fence('sh') + fence('text') + fence('text')),
      ['15:1 an example of output, but there are no commands before it that print it'],
    ],
    [
      'a hint that does not close',
      step('<details>\n<summary>Hint: x</summary>\n\nx\n\n## B'),
      ['9:1 this <details> does not close'],
    ],
    ['a hint without summary', step('<details>\n\nx\n\n</details>'), ['9:1 this <details> has no summary']],
    [
      'a hint that is none',
      step('<details>\n<summary>More</summary>\n\nx\n\n</details>'),
      ['9:1 a summary that is not of a hint: "More"'],
    ],
    [
      'a hint that web pages show as it is written',
      step('<details>\n<summary>Hint: x</summary>\n*x*\n</details>\n*y*'),
      [
        '11:1 without an empty line before this, web pages show it as it is written',
        '13:1 without an empty line before this, web pages take it for a part of the hint',
      ],
    ],
    ['an end of nothing', step('</details>'), ['9:1 </details> belongs to no <details>']],
    ['a comment that does not end', step('<!-- x'), ['9:1 this comment does not end']],
    ['two steps of one name', '## A b\n\n## a  B!\n', ['9:1 a second step "a  B!"; the first is in line 7']],
    ['a step without a title', '## \n', ['7:1 this step has no title']],
    [
      'two checks',
      step(fence('yaml check', '- {run: x, otherwise: Do it.}').repeat(2)),
      ['12:1 a second check in one step; the first is in line 9'],
    ],
    ['two undos', step(fence('sh undo').repeat(2)), ['12:1 a second undo in one step; the first is in line 9']],
    [
      'a background block that nothing follows',
      step(fence('sh') + fence('sh background')),
      ['12:1 these commands run in the background, but nothing runs after them in this step'],
    ],
    [
      'commands before the first step',
      `${fence('sh')}\n## A\n`,
      ['7:1 this belongs into a step, and here is none yet'],
    ],
    ['no steps', 'Prose.\n', ['7:1 this lab has no steps']],
    ['a second title', '## A\n\n# B\n', ['9:1 a second title; the first is in line 5']],
    [
      'a heading that is none',
      step('##B'),
      ['9:1 a heading begins at the start of the line, with a space after the #'],
    ],
    ['a line that makes a heading', step('B\n---'), ['10:1 a line like this makes a heading of the line above']],
    ['a control character', step('a\u001b[31m'), ['9:2 a control character']],
  ])('%s', (_, text, problems) => expect(problemsOf(text)).toEqual(problems));

  test('no title', () => expect(problemsOf('## A\n', '---\n---\n')).toEqual(['3:1 this lab has no title']));
  test('no front matter', () =>
    expect(problemsOf('# T\n\n## A\n', '')).toEqual([expect.stringContaining('1:1 a lab begins with front matter')]));
  test('front matter that does not end', () =>
    expect(problemsOf('## A\n', '---\n# T\n')).toEqual([expect.stringContaining('1:1 the front matter does not end')]));

  test('all at once, in the order of the file', () => {
    const text = `${check('- run: x')}\n${fence('bash')}\n## A\n\n${fence('text')}`;
    expect(problemsOf(text)).toHaveLength(4);
    expect(() => parseLabText(TOP + text, 'x.md')).toThrow(/^x\.md:10:3.*\nx\.md:14:1.*\nx\.md:18:1.*\nx\.md:20:1.*$/);
  });
});

test('the labs that come with wglab can be read', async () => {
  for (const { file, title } of await listLabs()) expect((await readLabText(file)).title).toBe(title);
});
