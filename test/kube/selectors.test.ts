import { describe, expect, it } from 'vitest';
import { hasLabels, type Labels, meetsAll, parseSelector, SelectorError, selects } from '../../src/kube/selectors.ts';

const LABELS = { app: 'web', tier: '', level: '3' };

describe('a label selector as text', () => {
  it.each<[string, boolean]>([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web', true],
    ['app=db', false],
    ['app!=web', false],
    ['app!=db', true],
    ['missing!=web', true],
    ['missing=web', false],
    ['missing=', false],
    ['tier=', true],
    ['app in (db, web)', true],
    ['app in (db)', false],
    ['missing in (db)', false],
    ['app notin (db)', true],
    ['app notin (web)', false],
    ['missing notin (web)', true],
    ['app', true],
    ['tier', true],
    ['missing', false],
    ['!app', false],
    ['!missing', true],
    ['level>2', true],
    ['level>3', false],
    ['level<4', true],
    ['missing<4', false],
    ['app=web,missing!=x', true],
    ['app=web,app notin (web,db)', false],
    ['constructor', false],
    ['!constructor', true],
    ['toString!=x', true],
  ])('%j selects as Kubernetes does', (text, selected) => {
    expect(meetsAll(parseSelector(text), LABELS)).toBe(selected);
  });

  it.each(['a in b', 'a=b=c', 'a in (b', '=b', 'a>b', '!', '__proto__=a'])('%j is refused', (text) => {
    expect(() => parseSelector(text)).toThrow(SelectorError);
  });
});

describe('a label selector of a spec', () => {
  it('selects nothing if it is absent, and everything if it is empty', () => {
    expect(selects(undefined, LABELS)).toBe(false);
    expect(selects({}, undefined)).toBe(true);
  });

  it('reads no label from the prototype', () => {
    const inherited = Object.create({ app: 'web' }) as Labels;
    expect(hasLabels(inherited, { app: 'web' })).toBe(false);
    expect(selects({ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, inherited)).toBe(true);
  });

  it('never meets an operator that it does not know', () => {
    expect(selects({ matchExpressions: [{ key: 'missing', operator: 'Never' }] }, LABELS)).toBe(false);
  });
});
