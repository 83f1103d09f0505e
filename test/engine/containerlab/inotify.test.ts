import { expect, test } from 'vitest';
import { inotifyCheck } from '../../../src/engine/containerlab/doctor/containerlab.ts';

const INSTANCES = 'fs.inotify.max_user_instances';

test.each([
  [512, 5, true],
  [128, 0, 'warning'],
  [128, 1, 'warning'],
  [128, 2, false],
])('%i inotify instances next to %i clusters: %s', (value, clusters, ok) => {
  expect(inotifyCheck(INSTANCES, 512, value, clusters).ok).toBe(ok);
});

test('watches are warned of', () => {
  expect(inotifyCheck('fs.inotify.max_user_watches', 524_288, 8192, 3).ok).toBe('warning');
});
