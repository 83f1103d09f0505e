import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from './support/api-lab.ts';

const FOLDER = 'node_modules/.cache/wglab-api';

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(() => lab.close());

it('a module that cannot be loaded refuses one request, and the server goes on', async () => {
  const chunks = readdirSync(FOLDER).map((file) => join(FOLDER, file));
  const ofExec = chunks.filter(
    (file) => file.includes('serve-exec') || readFileSync(file, 'utf8').includes('X-Accepted-Stream-Protocol-Versions'),
  );
  expect(ofExec.length).toBeGreaterThan(0);
  expect(ofExec.join()).not.toContain('bundled.js');
  for (const file of ofExec) rmSync(file);
  const headers = { connection: 'Upgrade', upgrade: 'websocket' };
  const answer = await lab.fetch('/api/v1/nodes/worker/exec?command=sh&stdout=true', { headers });
  expect(answer.status).toBe(500);
  expect(lab.logged.join()).toMatch(/ERR_MODULE_NOT_FOUND|Cannot find module/);
  expect((await lab.fetch('/readyz')).status).toBe(200);
});
