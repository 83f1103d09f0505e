import { expect, test } from 'vitest';
import { newMarkers } from '../../src/proof/markers.ts';

test('markers of one run begin alike and are unique; those of another run begin otherwise', () => {
  const markers = newMarkers(1000);
  expect(Object.keys(markers).slice(0, 2)).toEqual(['m1', 'm2']);
  const values = Object.values(markers);
  expect(new Set(values).size).toBe(1000);
  for (const value of values) expect(value).toMatch(/^[0-9a-f]{48}$/);
  expect(new Set(values.map((value) => value.slice(0, 16))).size).toBe(1);
  expect(newMarkers(1).m1?.slice(0, 16)).not.toBe(values[0]?.slice(0, 16));
});
