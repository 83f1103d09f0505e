import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonPatch, PatchFailure } from '../../../src/kube-api/patch/json-patch.ts';
import { mergePatch } from '../../../src/kube-api/patch/merge.ts';
import { strategicPatch } from '../../../src/kube-api/patch/strategic.ts';
import { structOf } from '../../../src/kube-api/schema/structs.ts';

const value = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, fc.integer(), fc.string(), fc.boolean(), tie('list'), tie('object')),
  list: fc.array(tie('any'), { maxLength: 3 }),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd/e', 'f~g'), tie('any'), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
})).object;

describe('mergePatch', () => {
  it('does nothing with an empty patch, and the same twice as once', () => {
    fc.assert(
      fc.property(value, value, (target, patch) => {
        expect(mergePatch(target, {})).toEqual(target);
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('removes with null and leaves the original alone', () => {
    const target = { spec: { a: 1, b: { c: 2, d: 3 } } };
    expect(mergePatch(target, { spec: { a: null, b: { c: null } } })).toEqual({ spec: { b: { d: 3 } } });
    expect(target).toEqual({ spec: { a: 1, b: { c: 2, d: 3 } } });
  });
});

describe('jsonPatch', () => {
  it('undoes an add with a remove, at any place', () => {
    fc.assert(
      fc.property(value, fc.constantFrom('x', 'y/z', '~'), (target, key) => {
        const path = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const added = jsonPatch(target, [{ op: 'add', path, value: 1 }]);
        expect(added).toMatchObject({ [key]: 1 });
        expect(jsonPatch(added, [{ op: 'remove', path }])).toEqual(target);
      }),
    );
  });

  it('performs operations in order', () => {
    const operations = [
      { op: 'test', path: '/a/0', value: 1 },
      { op: 'add', path: '/a/1', value: 5 },
      { op: 'add', path: '/a/-', value: 9 },
      { op: 'move', from: '/b', path: '/c' },
      { op: 'copy', from: '/a/1', path: '/d' },
      { op: 'replace', path: '/a/0', value: 7 },
    ];
    expect(jsonPatch({ a: [1, 2], b: 3 }, operations)).toEqual({ a: [7, 5, 2, 9], c: 3, d: 5 });
  });

  it.each([
    [{ op: 'remove', path: '/none' }, 'missing'],
    [{ op: 'replace', path: '/none', value: 1 }, 'missing'],
    [{ op: 'add', path: '/none/below', value: 1 }, 'missing path'],
    [{ op: 'add', path: '/list/5', value: 1 }, 'outside'],
    [{ op: 'test', path: '/list/0', value: 2 }, 'test failed'],
    [{ op: 'fly', path: '/list' }, 'Unexpected kind'],
    [{ op: 'add', path: 'list' }, 'does not begin'],
  ])('refuses %j', (operation, message) => {
    const apply = () => jsonPatch({ list: [1] }, [operation]);
    expect(apply).toThrow(PatchFailure);
    expect(apply).toThrow(message);
  });
});

describe('strategicPatch', () => {
  const spec = structOf('PodSpec');
  const pod = {
    containers: [
      { name: 'a', image: 'x', env: [{ name: 'A', value: '1' }] },
      { name: 'b', image: 'y' },
    ],
    nodeSelector: { disk: 'ssd', zone: 'z' },
    tolerations: [{ key: 'k' }],
    volumes: [{ name: 'v', hostPath: { path: '/tmp' } }],
  };

  it('merges lists by their key, and replaces those without one', () => {
    const patch = {
      containers: [{ name: 'b', image: 'z' }, { name: 'c' }],
      tolerations: [{ key: 'other' }],
      nodeSelector: { zone: null },
    };
    expect(strategicPatch(pod, patch, spec)).toEqual({
      ...pod,
      containers: [pod.containers[0], { name: 'b', image: 'z' }, { name: 'c' }],
      tolerations: [{ key: 'other' }],
      nodeSelector: { disk: 'ssd' },
    });
  });

  it('deletes and replaces by directive', () => {
    expect(strategicPatch(pod, { containers: [{ name: 'a', $patch: 'delete' }] }, spec)).toMatchObject({
      containers: [{ name: 'b' }],
    });
    expect(strategicPatch(pod, { containers: [{ $patch: 'replace' }, { name: 'n' }] }, spec)).toMatchObject({
      containers: [{ name: 'n' }],
    });
    expect(strategicPatch(pod, { nodeSelector: { $patch: 'replace', only: 'this' } }, spec)).toMatchObject({
      nodeSelector: { only: 'this' },
    });
    const withoutSelector = strategicPatch(pod, { nodeSelector: { $patch: 'delete' } }, spec) as object;
    expect(withoutSelector).not.toHaveProperty('nodeSelector');
  });

  it('orders with $setElementOrder and keeps what only the server has', () => {
    const order = { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }], containers: [{ name: 'c' }] };
    const { containers } = strategicPatch(pod, order, spec) as typeof pod;
    expect(containers.map((c) => c.name)).toEqual(['b', 'c', 'a']);
  });

  it('retains only the named keys of a volume whose source changes', () => {
    const patch = { volumes: [{ $retainKeys: ['name', 'emptyDir'], name: 'v', emptyDir: {} }] };
    expect(strategicPatch(pod, patch, spec)).toMatchObject({ volumes: [{ name: 'v', emptyDir: {} }] });
    expect((strategicPatch(pod, patch, spec) as typeof pod).volumes[0]).not.toHaveProperty('hostPath');
  });

  it('adds to and deletes from lists of plain values', () => {
    const meta = structOf('ObjectMeta');
    const target = { finalizers: ['a', 'b'] };
    expect(strategicPatch(target, { finalizers: ['c', 'a'] }, meta)).toEqual({ finalizers: ['a', 'b', 'c'] });
    expect(strategicPatch(target, { '$deleteFromPrimitiveList/finalizers': ['a'] }, meta)).toEqual({
      finalizers: ['b'],
    });
  });
});
