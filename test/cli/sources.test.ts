import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { passOnSources } from '../../src/cli/sources.ts';

const FLAGS = ['--node-image', '--calico-version', '--calico-manifests'];

test.each(['deploy', 'pull', 'smoke', 'workshop'])('%s may be told where its parts come from', (name) => {
  const command = buildProgram(() => undefined).commands.find((one) => one.name() === name);
  expect(command?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(FLAGS));
});

test('the commands of a workshop get the sources from their environment, with a path that works in any folder', () => {
  const env: NodeJS.ProcessEnv = {};
  passOnSources({ nodeImage: 'kindest/node:v1.34.4', calicoManifests: '/a/../b' }, env);
  expect(env).toEqual({ WGLAB_NODE_IMAGE: 'kindest/node:v1.34.4', WGLAB_CALICO_MANIFESTS: '/b' });
});
