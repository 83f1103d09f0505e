import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LABS } from '../support/labs.ts';

it('every lab is walked through', () => {
  const tested = readdirSync(import.meta.dirname).map((file) => file.replace(/\.test\.ts$/, ''));
  expect(tested).toEqual(expect.arrayContaining(LABS));
});
