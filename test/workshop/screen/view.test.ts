import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../../src/text/wrap.ts';
import type { Event } from '../../../src/workshop/screen/state.ts';
import { view } from '../../../src/workshop/screen/view.ts';
import { Driven, TEXT_OF_LAB, textOf } from './fixture.ts';

const KEYS = [
  'd',
  'c',
  'h',
  'n',
  's',
  'b',
  'r',
  'u',
  '!',
  'w',
  'l',
  '?',
  'q',
  'y',
  'p',
  'enter',
  'escape',
  'up',
  'down',
];
const MORE_KEYS = ['page-up', 'page-down', 'space', 'home', 'end', 'ctrl-c', 'ctrl-l', 'x', 'backspace', '漢'];

const hostile = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\u001b[2J', '\r\n\t\u0000', '漢字'.repeat(60), 'x'.repeat(500), '\n'.repeat(40)),
);
const size = fc.record({ columns: fc.integer({ min: 1, max: 220 }), rows: fc.integer({ min: 1, max: 70 }) });
const packet = fc.record({
  time: fc.constant('2026-01-01T00:00:00.000000Z'),
  node: hostile,
  length: fc.nat(),
  description: fc.stringMatching(/^[ -~]{0,200}$/),
  encrypted: fc.boolean(),
  secrets: fc.array(fc.stringMatching(/^[ -~]{0,200}$/), { maxLength: 3 }),
  bytes: fc.constant('00 11 22'),
});
const condition = TEXT_OF_LAB.steps[0]?.check[0];
if (!condition) throw new Error('the fixture has no check');
const conditions = fc.array(fc.record({ condition: fc.constant(condition), holds: fc.boolean(), seen: hostile }));

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...KEYS, ...MORE_KEYS).map((key) => ({ kind: 'key' as const, key })) },
  size.map((to) => ({ kind: 'resize' as const, size: to })),
  fc.nat(4).map((block) => ({ kind: 'block' as const, block })),
  fc.record({ kind: fc.constant('command' as const), block: fc.nat(4), text: hostile }),
  fc.record({ kind: fc.constant('output' as const), block: fc.nat(4), text: hostile }),
  fc.record({ kind: fc.constant('block-ended' as const), block: fc.nat(4), status: fc.nat(2) }),
  fc.constantFrom<Event>(
    { kind: 'ran' },
    { kind: 'undone' },
    { kind: 'stopped' },
    { kind: 'typed' },
    { kind: 'paste' },
    { kind: 'tick' },
  ),
  conditions.map((list) => ({ kind: 'checked' as const, conditions: list })),
  fc.subarray(TEXT_OF_LAB.steps.map(({ name }) => name)).map((lost) => ({ kind: 'surveyed' as const, lost })),
  fc.record({ kind: fc.constant('failed' as const), message: fc.stringMatching(/^[ -~]{0,200}$/) }),
  fc.array(packet).map((packets) => ({ kind: 'packets' as const, packets })),
  fc.stringMatching(/^[ -~]{0,200}$/).map((problem) => ({ kind: 'wire-ended' as const, problem })),
  fc
    .constantFrom('off' as const, 'on' as const, 'no lab' as const)
    .map((state) => ({ kind: 'encryption' as const, state })),
);

it('fills the terminal exactly, whatever happened: no row wider, none too many, nothing that steers it', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), size, fc.boolean(), (events, start, present) => {
      const driven = new Driven({ size: start, present });
      for (const one of events) {
        driven.happens(one);
        const { columns, rows } = driven.state.size;
        const screen = view(driven.state);
        expect(screen).toHaveLength(rows);
        for (const { spans } of screen) {
          expect(widthOf(spans)).toBeLessThanOrEqual(columns);
          expect(spans.map(({ text }) => text).join('')).not.toMatch(/\p{Cc}/u);
        }
      }
    }),
    { numRuns: 200 },
  );
});

describe('a page', () => {
  it('has the lab, the place in it, and how encryption stands, at the top', () => {
    const driven = new Driven({ step: 'write-it' });
    driven.happens({ kind: 'encryption', state: 'off' });
    const [first = '', second = ''] = textOf(view(driven.state)).split('\n');
    expect(first).toMatch(/^A lab about a file +encryption off$/);
    expect(second).toMatch(/^Step 1 of 3 +5 minutes in all$/);
  });

  it('has commands at the first column, the example until there is real output, and no check or undo', () => {
    const driven = new Driven({ step: 'write-it', size: { columns: 80, rows: 40 } });
    const before = textOf(view(driven.state)).split('\n');
    expect(before).toContain('echo word > file.txt');
    expect(before).toContain('an example of what it prints');
    driven.press('d');
    driven.happens(
      { kind: 'block', block: 1 },
      { kind: 'command', block: 1, text: 'echo word > file.txt' },
      { kind: 'output', block: 1, text: 'of the first\n' },
    );
    expect(textOf(view(driven.state))).toContain('file.txt\nof the first\ncat file.txt\n');
    driven.happens(
      { kind: 'command', block: 1, text: 'cat file.txt' },
      { kind: 'output', block: 1, text: 'what really came\n' },
    );
    const after = textOf(view(driven.state));
    expect(after).toContain('cat file.txt\nwhat really came\n');
    expect(after).not.toContain('an example');
    expect(after).not.toMatch(/rm -f|prints:/);
  });

  it('says which condition does not hold, what was seen, and offers the hint', () => {
    const driven = new Driven({ step: 'write-it' });
    driven.press('c');
    driven.happens({ kind: 'checked', conditions: [{ condition, holds: false, seen: 'cat: no such file' }] });
    const text = textOf(view(driven.state));
    expect(text).toContain('✗ The file does not hold the word.');
    expect(text).toContain('cat: no such file');
    expect(text).toContain('h gives a hint');
  });

  it('shows the keys that fit: where it is narrow, those that lead on and out', () => {
    const keys = (columns: number) =>
      textOf(view(new Driven({ step: 'write-it', size: { columns, rows: 24 } }).state))
        .split('\n')
        .at(-1);
    expect(keys(120)).toMatch(/d do it for me {2}c check {2}h hint {2}n next {2}b back.*! shell.*\? help {2}q quit/);
    expect(keys(40)).toMatch(/d do it for me.*n next/);
  });
});

it('shows packets with what can be read marked, and of encrypted ones their bytes', () => {
  const driven = new Driven({ step: 'write-it' });
  driven.press('w');
  const packetOf = {
    time: '2026-01-01T10:20:30.000000Z',
    node: 'a',
    length: 120,
    description: 'a > b TCP',
    secrets: [],
  };
  driven.happens({
    kind: 'packets',
    packets: [
      { ...packetOf, encrypted: false, secrets: ['Authorization: Bearer abc.def'] },
      { ...packetOf, description: 'a > b WireGuard data', encrypted: true, bytes: '8f 3a  .:' },
    ],
  });
  const screen = view(driven.state);
  expect(screen.flatMap(({ spans }) => spans).filter(({ style }) => style === 'secret')).toEqual([
    { text: 'abc.def', style: 'secret' },
  ]);
  expect(textOf(screen)).toContain('10:20:30 a > b WireGuard data 120 bytes\n    8f 3a  .:');
});
