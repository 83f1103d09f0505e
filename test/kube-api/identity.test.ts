import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from './support/api-lab.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(() => lab.close());

const create = (name: string, metadata: object = {}) =>
  lab.fetch(MAPS, { method: 'POST', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata } } });
const patch = (name: string, body: unknown, headers: Record<string, string> = MERGE) =>
  lab.fetch(`${MAPS}/${name}`, { method: 'PATCH', body: JSON.stringify(body), headers });

describe('a patch', () => {
  it('renames no object and moves none to another namespace', async () => {
    await create('named');
    for (const metadata of [{ name: 'other' }, { namespace: 'kube-system' }]) {
      const answer = await patch('named', { metadata });
      expect(answer.status, JSON.stringify(metadata)).toBe(400);
      expect(answer.json().message).toMatch(/does not match the (name|namespace) on the URL/);
    }
    expect((await patch('named', [{ op: 'replace', path: '/metadata/name', value: 'other' }], JSON_PATCH)).status).toBe(
      400,
    );
    expect(lab.store.get('ConfigMap', 'default', 'other')).toBeUndefined();
    expect(lab.store.get('ConfigMap', 'kube-system', 'named')).toBeUndefined();
  });

  it('may name the object as it is', async () => {
    await create('same');
    expect((await patch('same', { metadata: { name: 'same', namespace: 'default' }, data: { a: '1' } })).status).toBe(
      200,
    );
  });
});

describe('an object that is being deleted', () => {
  it('goes with its last finalizer, and not before', async () => {
    await create('held', { finalizers: ['example.com/a', 'example.com/b'] });
    await lab.fetch(`${MAPS}/held`, { method: 'DELETE' });
    await patch('held', { metadata: { finalizers: ['example.com/b'] } });
    expect(lab.store.get('ConfigMap', 'default', 'held')?.metadata.deletionTimestamp).toBeDefined();
    await patch('held', { metadata: { finalizers: null } });
    expect(lab.store.get('ConfigMap', 'default', 'held')).toBeUndefined();
  });

  it('stays if no finalizer held it: whoever ends it removes it, and a client that writes meanwhile does not', async () => {
    const metadata = {
      name: 'ending',
      namespace: 'kube-system',
      deletionTimestamp: '2030-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 30,
    };
    lab.store.create({ apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: [] });
    const path = '/api/v1/namespaces/kube-system/endpoints/ending';
    const answer = await lab.fetch(path, {
      method: 'PATCH',
      body: JSON.stringify({ metadata: { labels: { a: 'b' } } }),
      headers: MERGE,
    });
    expect(answer.status).toBe(200);
    expect(lab.store.get('Endpoints', 'kube-system', 'ending')?.metadata.labels).toEqual({ a: 'b' });
  });
});
