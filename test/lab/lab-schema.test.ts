import { join } from 'node:path';
import { expect, test } from 'vitest';
import { labJsonSchema } from '../../src/lab/lab-schema.ts';
import { packageRoot } from '../../src/lab/package-root.ts';

test('labs/lab.schema.json says what the parser checks (vitest -u rewrites it)', async () => {
  const file = join(packageRoot(), 'labs', 'lab.schema.json');
  await expect(`${JSON.stringify(labJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(file);
});
