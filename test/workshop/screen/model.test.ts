import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckedCondition } from '../../../src/workshop/screen/state.ts';
import { view } from '../../../src/workshop/screen/view.ts';
import { Driven, TEXT_OF_LAB, textOf } from './fixture.ts';

const [writeIt, onlyRead] = TEXT_OF_LAB.steps;
if (!writeIt || !onlyRead) throw new Error('the fixture has changed');

const conditions = (holds: boolean): CheckedCondition[] =>
  writeIt.check.map((condition) => ({ condition, holds, seen: '' }));

describe('next', () => {
  it('checks first, and goes on only when it holds', () => {
    const driven = new Driven({ step: 'write-it' });
    expect(driven.press('n')).toEqual(['check']);
    driven.happens({ kind: 'checked', conditions: conditions(false) });
    expect(driven.state.page).toBe(1);
    expect(driven.press('n')).toEqual(['check']);
    driven.happens({ kind: 'checked', conditions: conditions(true) });
    expect(driven.state.done).toEqual(new Set(['write-it']));
    driven.press('n');
    expect(driven.state.page).toBe(2);
  });

  it('s skips, and says so; a step without a check is done when it was read', () => {
    const driven = new Driven({ step: 'write-it' });
    driven.press('s');
    expect([...driven.state.skipped]).toEqual(['write-it']);
    driven.press('n');
    expect([...driven.state.done]).toEqual([onlyRead.name]);
  });

  it('a check that fails later takes the mark away', () => {
    const driven = new Driven({ step: 'write-it', progress: { done: ['write-it'] } });
    driven.press('c');
    driven.happens({ kind: 'checked', conditions: conditions(false) });
    expect(driven.state.done.size).toBe(0);
  });
});

it('gives one more hint each time, and keeps that', () => {
  const driven = new Driven({ step: 'write-it' });
  expect(driven.press('h')).toEqual(['save']);
  driven.press('h', 'h');
  expect(driven.state.hints).toEqual({ 'write-it': 2 });
  expect(driven.state.notice?.text).toContain('all hints');
});

it('undoes only after yes', () => {
  const driven = new Driven({ step: 'write-it', progress: { done: ['write-it'] } });
  expect(driven.press('u', 'n')).toEqual([]);
  expect(driven.press('u', 'y')).toEqual(['undo']);
  driven.happens({ kind: 'undone' });
  expect(driven.state.done.size).toBe(0);
});

it('Ctrl-C stops what runs, and leaves where nothing runs', () => {
  const driven = new Driven({ step: 'write-it' });
  driven.press('d');
  expect(driven.press('ctrl-c')).toEqual(['stop']);
  driven.happens({ kind: 'stopped' });
  expect(driven.press('ctrl-c')).toEqual(['leave']);
});

it('begins nothing while something runs', () => {
  const KEYS = ['d', 'c', 'h', 'n', 's', 'b', 'r', 'u', '!', 'l', 'q', 'y', 'enter', 'x'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...KEYS)), (keys) => {
      const driven = new Driven({ step: 'write-it' });
      driven.press('d');
      expect(driven.press(...keys)).toEqual([]);
      expect(driven.state.page).toBe(1);
    }),
  );
});

it('types nothing that was pasted', () => {
  const driven = new Driven({ step: 'write-it' });
  expect(driven.happens({ kind: 'paste' })).toEqual([]);
  expect(driven.state.notice?.text).toContain('press ! for a shell');
});

it('keeps what grows in sight until the person scrolls', () => {
  const driven = new Driven({ step: 'write-it', size: { columns: 80, rows: 16 } });
  driven.press('d');
  driven.happens(
    { kind: 'block', block: 1 },
    { kind: 'command', block: 1, text: 'echo word > file.txt' },
    { kind: 'output', block: 1, text: 'line\n'.repeat(50) },
  );
  const followed = driven.state.scroll;
  expect(followed).toBeGreaterThan(30);
  driven.press('home');
  driven.happens({ kind: 'output', block: 1, text: 'more\n' });
  expect(driven.state.scroll).toBe(0);
});

it('scrolls the help where it does not fit, and closes it by any other key', () => {
  const driven = new Driven({ step: 'write-it', size: { columns: 40, rows: 10 } });
  expect(textOf(view(driven.state))).not.toContain('Quit.');
  driven.press('?', 'end');
  expect(textOf(view(driven.state))).toContain('Quit.');
  expect(driven.press('q')).toEqual([]);
  expect(driven.state.overlay).toBeUndefined();
});

describe('in another deployment', () => {
  const back = () => {
    const driven = new Driven({ progress: { step: 'twice', done: ['write-it'] } });
    driven.happens({ kind: 'surveyed', lost: ['write-it'] });
    return driven;
  };

  it('offers to do again what no longer holds', () => {
    const driven = back();
    expect(driven.press('y')).toEqual(['repeat']);
    const [repeat] = driven.effects;
    expect(repeat).toEqual({ kind: 'repeat', steps: TEXT_OF_LAB.steps.slice(0, 2) });
    driven.happens({ kind: 'repeated', holding: ['write-it'] });
    expect(driven.state).toMatchObject({ page: 3, done: new Set(['write-it']) });
  });

  it('leads to the step that does not come about', () => {
    const driven = back();
    driven.press('y');
    driven.happens({ kind: 'repeated', holding: [], problem: 'It does not hold.' });
    expect(driven.state.page).toBe(1);
    expect(driven.state.notice?.text).toBe('It does not hold.');
  });

  it('asks again the next time where the question was left open', () => {
    expect(back().press('ctrl-c')).toEqual(['leave']);
    expect(back().press('n')).toEqual(['save']);
  });
});

it('on a stage, one key types, runs, checks and goes on', () => {
  const driven = new Driven({ present: true, step: 'twice' });
  const type = (script: string) => driven.happens(...Array.from(script, () => ({ kind: 'typed' as const })));
  expect(driven.press('x')).toEqual(['type']);
  expect(type('echo first')).toHaveLength('echo first'.length - 1); // each asks for the next
  expect(driven.state.stage?.phase).toBe('typed');
  expect(driven.press('space')).toEqual(['run-block']);
  expect(driven.press('space')).toEqual([]); // it runs
  driven.happens({ kind: 'block', block: 0 }, { kind: 'block-ended', block: 0, status: 0 });
  expect(driven.press('x', 'x', 'x')).toEqual(['type', 'run-block']); // the second press types the rest at once
  driven.happens({ kind: 'block', block: 2 }, { kind: 'block-ended', block: 2, status: 0 });
  expect(driven.press('x')).toEqual(['check']);
  driven.happens({ kind: 'checked', conditions: conditions(true) });
  expect(driven.press('x')).toEqual(['end-background', 'save']);
  expect(driven.press('x')).toEqual(['leave']);
  expect([...driven.state.done]).toEqual(['twice']);
});

it('Escape gives a presenter all keys, and p takes them back', () => {
  const driven = new Driven({ present: true, step: 'twice' });
  driven.press('escape', 'b');
  expect(driven.state.page).toBe(2);
  driven.press('n', 'p');
  expect(driven.press('b')).toEqual(['type']);
});
