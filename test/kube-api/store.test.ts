import { describe, expect, it } from 'vitest';
import { Store, StoreError, same } from '../../src/kube-api/store.ts';

const map = (name: string, data: object = {}, namespace = 'default') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

describe('the store', () => {
  it('returns copies, and keeps copies', () => {
    const store = new Store();
    const given = map('a', { x: '1' });
    const created = store.create(given);
    given.data = { x: '2' };
    created.metadata.name = 'b';
    for (const listed of store.list('ConfigMap')) listed.metadata.name = 'c';
    expect(store.get('ConfigMap', 'default', 'a')).toMatchObject({ metadata: { name: 'a' }, data: { x: '1' } });
  });

  it('refuses what exists, what does not, and an old version', () => {
    const store = new Store();
    const created = store.create(map('a'));
    store.update(map('a', { x: '1' }));
    expect(() => store.create(map('a'))).toThrow(StoreError);
    expect(() => store.update(map('b'))).toThrow(/not found/);
    expect(() => store.remove('ConfigMap', 'default', 'b')).toThrow(/not found/);
    expect(() => store.update({ ...created, data: { x: '2' } })).toThrow(/has been modified/);
  });

  it('counts a generation if the spec changes, and a version if anything does', () => {
    const store = new Store();
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { a: 1 } };
    const first = store.create(pod);
    const same = store.update({ ...first });
    expect(same.metadata).toMatchObject({ resourceVersion: first.metadata.resourceVersion, generation: 1 });
    const labelled = store.update({ ...first, metadata: { ...first.metadata, labels: { a: 'b' } } });
    expect(labelled.metadata).toMatchObject({ generation: 1, uid: first.metadata.uid });
    expect(labelled.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    expect(store.update({ ...labelled, spec: { a: 2 } }).metadata.generation).toBe(2);
  });

  it('lists by namespace and name', () => {
    const store = new Store();
    for (const [name, namespace] of [
      ['b', 'x'],
      ['a', 'x'],
      ['z', 'a'],
    ] as const)
      store.create(map(name, {}, namespace));
    expect(store.list('ConfigMap').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'a/z',
      'x/a',
      'x/b',
    ]);
    expect(store.list('ConfigMap', 'x')).toHaveLength(2);
  });

  it('resumes exactly after a version, and says when that is too old', () => {
    const store = new Store();
    const versions = [0, 1, 2, 3].map((i) => store.create(map(`m${i}`)).metadata.resourceVersion ?? '');
    const names = (from: string) => store.since('ConfigMap', from).map(({ object }) => object.metadata.name);
    expect(names('0')).toEqual(['m0', 'm1', 'm2', 'm3']);
    expect(names(versions[1] ?? '')).toEqual(['m2', 'm3']);
    expect(names(versions[3] ?? '')).toEqual([]);
    expect(names(store.version)).toEqual([]);
  });

  it('forgets the oldest changes only, and never lets a watcher miss one', () => {
    const store = new Store();
    store.create(map('a'));
    for (let i = 0; i < 5000; i += 1) store.update(map('a', { i: String(i) }));
    const oldest = 5001 - 4096;
    expect(store.since('ConfigMap', String(oldest))).toHaveLength(4096);
    expect(() => store.since('ConfigMap', String(oldest - 1))).toThrow(/too old resource version/);
  });

  it('reports changes in one order to all, also those that a listener makes', () => {
    const store = new Store();
    const seen: string[] = [];
    store.watch('ConfigMap', ({ object }) => {
      if (object.metadata.name === 'a') store.create(map('b'));
    });
    const stop = store.watch('ConfigMap', ({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
    store.create(map('a'));
    stop();
    store.create(map('c'));
    expect(seen).toEqual(['ADDED a', 'ADDED b']);
  });
});

it('two values are the same whatever the order of their keys, and only for keys of their own', () => {
  expect(same({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).toBe(true);
  expect(same({ a: undefined }, {})).toBe(true);
  expect(same([1, 2], [2, 1])).toBe(false);
  expect(same([], {})).toBe(false);
  expect(same({ a: null }, {})).toBe(false);
  expect(same({ constructor: Object }, { x: 1 })).toBe(false);
});
