import { expect, test } from 'vitest';
import { newMarkers } from '../../src/proof/markers.ts';

test('markers have no 16 characters in common', () => {
  const markers = newMarkers(200);
  expect(Object.keys(markers).slice(0, 2)).toEqual(['m1', 'm2']);
  const values = Object.values(markers);
  for (const value of values) expect(value).toMatch(/^[0-9a-f]{48}$/);
  const pieces = values.flatMap((value) => Array.from({ length: 33 }, (_, at) => value.slice(at, at + 16)));
  expect(new Set(pieces).size).toBe(200 * 33);
});
