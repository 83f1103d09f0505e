import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExitCode, Failure } from '../../src/errors.ts';
import { onlyDocument, parseDocuments, readDocument, readDocuments } from '../../src/lab/document.ts';
import { clusterConfigOf } from '../../src/lab/kind-config.ts';
import { labDefinitionOf, readLabDefinition } from '../../src/lab/lab-definition.ts';
import { manifestsOf } from '../../src/lab/manifests.ts';
import { topologyOf } from '../../src/lab/topology.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wglab-document-'));
});
afterAll(() => rm(folder, { recursive: true }));

function failureOf(read: () => unknown): Failure {
  try {
    read();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing was found wrong');
}

describe('what every YAML file is refused for', () => {
  test.each([
    ['a tab', 'a:\n\tb: 1\n', 'x.yml:2:1: a tab; YAML is indented with spaces'],
    ['a key twice', 'a: 1\nb: 2\na: 3\n', 'x.yml:3:1: the key "a" is here twice; it is also in line 1'],
    ['a key that is no text', '1: a\n', 'x.yml:1:1: a key must be text; write it in quotes if it is meant so'],
    ['a key that is a map', '? {a: b}\n: c\n', 'x.yml:1:3: a key must be text; write it in quotes if it is meant so'],
    ['a tag', 'a: !thing b\n', 'x.yml:1:4: unresolved tag: !thing'],
    [
      'an open bracket',
      'a: [1, 2\n',
      'x.yml:2:1: flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['no such anchor', 'a: *b\n', 'x.yml:1:4: there is no anchor &b before this'],
    ['a merge of no map', 'a: &a x\n<<: *a\n', 'x.yml:2:5: << must name a map, or a list of maps'],
    ['infinity', 'a: .inf\n', 'x.yml:1:4: .inf is not a number that these tools know'],
    [
      'a word that is a boolean to some',
      'a: yes\n',
      'x.yml:1:4: yes means different things to different tools; write it in quotes, or as true, false or a plain number',
    ],
    [
      'an octal number',
      'mode: 0644\n',
      'x.yml:1:7: 0644 means different things to different tools; write it in quotes, or as true, false or a plain number',
    ],
    [
      'several things, in the order of the file',
      'b: 1\na: on\nb: 2\n',
      [
        'x.yml:2:4: on means different things to different tools; write it in quotes, or as true, false or a plain number',
        'x.yml:3:1: the key "b" is here twice; it is also in line 1',
      ].join('\n'),
    ],
  ])('%s', (_, text, message) => {
    const failure = failureOf(() => parseDocuments(text, 'x.yml'));
    expect(failure.message).toBe(message);
    expect(failure.exitCode).toBe(ExitCode.usage);
    expect(failure.remedy).toBeTruthy();
  });

  test('no document, or two where there should be one', () => {
    expect(failureOf(() => onlyDocument(parseDocuments('# nothing\n---\n', 'x.yml'), 'x.yml')).message).toBe(
      'x.yml:1:1: this file is empty',
    );
    expect(failureOf(() => onlyDocument(parseDocuments('a: 1\n---\nb: 2\n', 'x.yml'), 'x.yml')).message).toBe(
      'x.yml:3:1: a second document; this file should hold one',
    );
  });
});

describe('hostile files end soon and in words', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...[...'bcdefghi'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`),
  ].join('\n');
  const stairs = [
    'a0: &a0 1',
    ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [[[[[[*a${i}]]]]]]`),
  ].join('\n');
  test.each([
    ['aliases of aliases', bomb, /^x\.yml:1:1: the aliases \(\*name\) in this file stand for too much$/],
    ['an alias of itself', 'a: &a {b: *a}', /^x\.yml:1:11: \*a is inside of what it stands for$/],
    ['aliases that add up', stairs, /^x\.yml:1:1: the aliases \(\*name\) in this file stand for too much$/],
    ['lists in lists', '['.repeat(200_000), /^x\.yml:1:\d+: this is nested too deeply$/],
    ['indentation', Array.from({ length: 5000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), /nested too deeply/],
  ])('%s', (_, text, message) => {
    expect(failureOf(() => parseDocuments(text, 'x.yml')).message).toMatch(message);
  });

  test('a hundred thousand keys do not block', () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n');
    expect(parseDocuments(text, 'x.yml')).toHaveLength(1);
  });

  test('files that are not there, not files, not text, or without end', async () => {
    const bytes = join(folder, 'bytes.yml');
    await writeFile(bytes, Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]));
    const pipe = join(folder, 'pipe.yml');
    await promisify(execFile)('mkfifo', [pipe]);
    const huge = join(folder, 'huge.yml');
    await writeFile(huge, Buffer.alloc(9 * 1024 * 1024, 'a'));
    await expect(readDocument(join(folder, 'none.yml'))).rejects.toThrow(`there is no file ${folder}/none.yml`);
    await expect(readDocument(folder)).rejects.toThrow(`${folder} is a folder, not a file`);
    await expect(readDocument('/dev/zero')).rejects.toThrow('/dev/zero is a device, not a file');
    await expect(readDocument(pipe)).rejects.toThrow(`${pipe} is a FIFO, not a file`);
    await expect(readDocument(bytes)).rejects.toThrow(`${bytes}:1:1: this is not UTF-8 text`);
    await expect(readDocument(huge)).rejects.toThrow(`${huge} has 9437184 bytes: wglab reads files up to 8388608`);
  });
});

describe('whatever a file holds, reading it gives a value or a failure that names the file', () => {
  const readers = [
    (text: string) => topologyOf(onlyDocument(parseDocuments(text, 'x.yml'), 'x.yml')),
    (text: string) => clusterConfigOf(onlyDocument(parseDocuments(text, 'x.yml'), 'x.yml'), 'c'),
    (text: string) => labDefinitionOf(onlyDocument(parseDocuments(text, 'x.yml'), 'x.yml')),
    (text: string) => manifestsOf(parseDocuments(text, 'x.yml')),
  ];
  const fragments = fc.constantFrom(
    ...[
      'name: ',
      'topology:',
      'nodes',
      'kind: k8s-kind',
      'kind: Cluster',
      'apiVersion: kind.x-k8s.io/v1alpha4',
      'networking:',
    ],
    ...[
      'podSubnet: 10.0.0.0/8',
      'role: worker',
      'metadata: {name: x}',
      '__proto__: 1',
      'constructor: 1',
      'spec: null',
      '<<: *a',
    ],
    ...[
      '&a',
      '*a',
      '\n',
      '\n  ',
      '\n    ',
      '\t',
      '- ',
      '? ',
      ': ',
      '{',
      '}',
      '[',
      ']',
      '|',
      '>',
      "'",
      '"',
      '#',
      '---\n',
      '...\n',
      '!!set',
      '%YAML 1.1\n',
    ],
  );
  const yamlLike = fc
    .array(fc.oneof({ weight: 4, arbitrary: fragments }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) }))
    .map((parts) => parts.join(''));

  test.each(
    readers.map((read, i) => [['topology', 'kind configuration', 'front matter', 'manifest'][i], read] as const),
  )('%s', (_, read) => {
    fc.assert(
      fc.property(fc.oneof(yamlLike, fc.json()), (text) => {
        try {
          read(text);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          expect(error.exitCode).toBe(ExitCode.usage);
          for (const line of error.message.split('\n')) expect(line).toMatch(/^x\.yml:\d+:\d+: .|^and \d+ more$/);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('a lab file', async () => {
    const file = join(folder, 'any.md');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          yamlLike.map((text) => `---\n${text}\n---\n`),
        ),
        async (text) => {
          await writeFile(file, text);
          await expect(readLabDefinition(file)).rejects.toBeInstanceOf(Failure);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('what a file says cannot write to the terminal by way of a message', () => {
  const failure = failureOf(() => parseDocuments('"a\\e[2J\\nb": 1\n"a\\e[2J\\nb": 2\n', 'x.yml'));
  expect(failure.message).toBe('x.yml:2:1: the key "a\\u{1b}[2J\\nb" is here twice; it is also in line 1');
});

test('anchors, aliases and merges stand for what they name', () => {
  const [document] = parseDocuments('a: &a {x: 1}\nb: *a\nc: {<<: *a, w: 2}\nd: {<<: [*a, {z: 3}]}\n', 'x.yml');
  expect(document?.value).toEqual({ a: { x: 1 }, b: { x: 1 }, c: { x: 1, w: 2 }, d: { x: 1, z: 3 } });
  expect(document?.placeOf(['b', 'x'])).toEqual({ file: 'x.yml', line: 1, column: 11 });
});

test('every value of a file is found again where it stands', async () => {
  const file = join(folder, 'places.yml');
  await writeFile(file, '# a comment\nfirst: {a: [x, {b: z}]}\n---\nsecond:\n  - c: |\n      text\n');
  const [first, second] = await readDocuments(file);
  expect(first?.placeOf(['first', 'a', 1, 'b'])).toEqual({ file, line: 2, column: 20 });
  expect(first?.placeOfKey(['first', 'a', 1, 'b'])).toEqual({ file, line: 2, column: 17 });
  expect(first?.placeOf(['first', 'a', 7, 'b'])).toEqual({ file, line: 2, column: 12 });
  expect(second?.placeOfKey(['second', 0, 'c'])).toEqual({ file, line: 5, column: 5 });
});
