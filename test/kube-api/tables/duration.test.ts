import { expect, it } from 'vitest';
import { humanDuration } from '../../../src/kube-api/tables/duration.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

it.each([
  [0, '0s'],
  [119_999, '119s'],
  [2 * MINUTE, '2m'],
  [5 * MINUTE + 10_000, '5m10s'],
  [10 * MINUTE + 30_000, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR + 5 * MINUTE, '3h5m'],
  [8 * HOUR + 59 * MINUTE, '8h'],
  [47 * HOUR, '47h'],
  [48 * HOUR + HOUR, '2d1h'],
  [9 * DAY, '9d'],
  [729 * DAY, '729d'],
  [2 * 365 * DAY + 30 * DAY, '2y30d'],
  [9 * 365 * DAY, '9y'],
])('%d ms is %s', (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text);
});
