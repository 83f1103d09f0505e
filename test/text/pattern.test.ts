import { expect, test } from 'vitest';
import { compilePattern } from '../../src/text/pattern.ts';

test('a pattern finds and marks without regard to case', async () => {
  const pattern = await compilePattern('pass\\w+|token=\\d+');
  expect(pattern.isIn('a PASSWORD')).toBe(true);
  expect(pattern.isIn('nothing')).toBe(false);
  expect(pattern.mark('PASSword, token=12.', (found) => `<${found}>`)).toBe('<PASSword>, <token=12>.');
  expect((await compilePattern('x*')).mark('ab', (found) => `<${found}>`)).toContain('a');
});

test.each(['(a+)+$', '(a|a)*b', '(.*)*x', '^(\\w+\\s?)*$'])(
  'the pattern %s ends on text made against it',
  async (text) => {
    // A matcher that goes back would take longer on each of these than the universe is old.
    expect((await compilePattern(text)).isIn(`${'a'.repeat(2000)}!`)).toBe(false);
  },
);

test.each(['(', '[z-a]', '(a{1000}){1000}'])('the pattern %s is refused with the reason', async (text) => {
  await expect(compilePattern(text)).rejects.toThrow(/error parsing regexp/);
});
