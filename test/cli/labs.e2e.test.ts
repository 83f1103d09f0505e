import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LABS } from '../e2e/support/labs.ts';
import { Home } from '../e2e/support/wglab.ts';

let home: Home;

beforeAll(async () => {
  home = new Home();
  const state = {
    version: 1,
    name: 'gone',
    engine: 'embedded',
    lab: '/labs/nc.md',
    createdAt: '2026-01-01T00:00:00Z',
    nodes: ['a', 'b'],
  };
  write('gone', JSON.stringify(state));
  write('broken', '{');
  await home.expects(0, ['deploy', 'nc', '--name', 'here']);
});

afterAll(() => home.dispose());

function write(name: string, text: string): void {
  mkdirSync(join(home.folder, name));
  writeFileSync(join(home.folder, name, 'lab.json'), text);
}

test('labs -o json lists the labs, and what was deployed of them', async () => {
  const { stdout } = await home.expects(0, ['labs', '-o', 'json']);
  const { labs, deployments } = JSON.parse(stdout);
  expect(labs.map(({ name }: { name: string }) => name)).toEqual(LABS);
  expect(labs.at(-1)).toEqual({
    name: 'wireguard',
    title: 'WireGuard between the nodes of a Kubernetes cluster',
    minutes: 30,
    engines: ['embedded', 'containerlab'],
    file: expect.stringMatching(/\/labs\/wireguard\.md$/),
  });
  expect(deployments).toEqual([
    {
      name: 'broken',
      lab: null,
      engine: null,
      stands: false,
      nodes: [],
      problem: expect.stringContaining('is not JSON'),
    },
    { name: 'gone', lab: 'nc', engine: 'embedded', stands: false, nodes: ['a', 'b'] },
    { name: 'here', lab: 'nc', engine: 'embedded', stands: true, nodes: expect.objectContaining({ length: 3 }) },
  ]);
});

test('labs prints the same as tables', async () => {
  const { stdout } = await home.expects(0, ['labs']);
  expect(stdout).toMatch(
    /^LAB +TITLE +MINUTES +ENGINES\n(?:.+\n)*nc +Hello over netcat, read on the way +15 +embedded, containerlab\n/,
  );
  expect(stdout).toMatch(/^here +nc +embedded +3 +running$/m);
  expect(stdout).toMatch(/^gone +nc +embedded +2 +not running any more$/m);
  expect(stdout).toMatch(/^broken +- +- +- +.*is not JSON$/m);
});
