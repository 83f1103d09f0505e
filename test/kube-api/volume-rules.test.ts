import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from './support/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(() => lab.close());

const post = async (plural: string, body: object) =>
  (await lab.fetch(`/api/v1/namespaces/default/${plural}?dryRun=All`, { method: 'POST', body })).json() as {
    code?: number;
    details?: { causes?: { field: string; message: string }[] };
  };

const pod = (volume: object, mount: object = {}, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: {
    containers: [{ name: 'c', image: 'busybox', volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }], ...more }],
    volumes: [{ name: 'v', ...volume }],
  },
});
const items = (path: string) => ({ configMap: { name: 'm', items: [{ key: 'k', path }] } });

describe('a pod', () => {
  const at = 'spec.volumes[0].configMap.items[0].path';
  const mounted = 'spec.containers[0].volumeMounts[0].subPath';
  it.each<[string, object, string, RegExp]>([
    ['items above its volume', pod(items('../../../../tmp/x')), at, /must not contain '\.\.'/],
    ['items behind a step back', pod(items('a/../../x')), at, /must not contain '\.\.'/],
    ['items at an absolute path', pod(items('/tmp/x')), at, /must be a relative path/],
    ['items with a reserved name', pod(items('..data')), at, /must not start with '\.\.'/],
    ['a subPath above its volume', pod({ emptyDir: {} }, { subPath: '../../..' }), mounted, /must not contain '\.\.'/],
    ['an absolute subPath', pod({ emptyDir: {} }, { subPath: '/etc' }), mounted, /must be a relative path/],
    ['a volume with a path as its name', pod({ emptyDir: {}, name: '../x' }), 'spec.volumes[0].name', /RFC 1123 label/],
    [
      'a variable with a sign in its name',
      pod({ emptyDir: {} }, {}, { env: [{ name: 'A=B', value: 'x' }] }),
      'spec.containers[0].env[0].name',
      /environment variable name/,
    ],
  ])('with %s is invalid', async (_, body, field, words) => {
    const { code, details } = await post('pods', body);
    expect(code).toBe(422);
    expect(details?.causes?.find((cause) => cause.field === field)?.message).toMatch(words);
  });

  it('with ordinary paths is valid', async () => {
    const answer = await post('pods', pod(items('a/b..c/d'), { subPath: 'x/..y' }));
    expect(answer.code).toBeUndefined();
  });
});

describe('a key', () => {
  it.each(['a/b', '..', '.', '..data', 'a b', '', 'a\n', 'x'.repeat(254)])(
    '%j of a ConfigMap or Secret is invalid',
    async (key) => {
      for (const [kind, plural] of [
        ['ConfigMap', 'configmaps'],
        ['Secret', 'secrets'],
      ] as const) {
        const body = { apiVersion: 'v1', kind, metadata: { name: 'k' }, data: { [key]: 'YQ==' } };
        expect((await post(plural, body)).code, kind).toBe(422);
      }
    },
  );

  it.each(['a', '.bashrc', 'A_b-c.d', 'constructor'])('%j is valid', async (key) => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'k' }, data: { [key]: 'a' } };
    expect((await post('configmaps', body)).code).toBeUndefined();
  });

  it.each(['a/b/c', '/a', 'A.example/x', 'a\nb', '-a'])('%j of a label or annotation is invalid', async (key) => {
    for (const field of ['labels', 'annotations']) {
      if (field === 'annotations' && key === 'A.example/x') continue; // they are compared in lowercase
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'k', [field]: { [key]: 'v' } } };
      expect((await post('configmaps', body)).code, field).toBe(422);
    }
  });
});
