import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fromFieldsV1, toFieldsV1 } from '../../src/kube-api/fields/leaves.ts';
import { mergeApplied, withoutField } from '../../src/kube-api/fields/merge.ts';
import { jsonPatch, PatchFailure } from '../../src/kube-api/patch/json-patch.ts';
import { mergePatch } from '../../src/kube-api/patch/merge.ts';
import { strategicPatch } from '../../src/kube-api/patch/strategic.ts';
import { structOf } from '../../src/kube-api/schema/structs.ts';
import { type ApiLab, startApiLab } from './support/api-lab.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const YAML = 'application/yaml';

const PROTOTYPE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort());
const FUNCTION = JSON.stringify(Object.getOwnPropertyNames(Object).sort());

/** Throws unless all objects are as the language makes them. */
function expectNothingPolluted(): void {
  expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort())).toBe(PROTOTYPE);
  expect(JSON.stringify(Object.getOwnPropertyNames(Object).sort())).toBe(FUNCTION);
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
}

/** Throws if any object in a value has another prototype than a plain one. */
function expectPlain(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) expect([Object.prototype, null]).toContain(Object.getPrototypeOf(value));
  for (const child of Object.values(value)) expectPlain(child);
}

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
});
afterEach(expectNothingPolluted);
afterAll(async () => {
  await lab.close();
  expect(lab.logged).toEqual([]);
});

const send = (method: string, path: string, type: string, body: string) =>
  lab.fetch(path, { method, body, headers: { 'content-type': type } });
const create = (name: string, data: object = { a: '1' }) =>
  lab.fetch(MAPS, { method: 'POST', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data } });

const name = fc.constantFrom('__proto__', 'constructor', 'prototype', 'metadata', 'a');
const tree = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, fc.constant('x'), fc.constant(null), tie('object')),
  object: fc.array(fc.tuple(name, tie('any')), { maxLength: 3 }).map((entries) => {
    const object = {};
    for (const [key, value] of entries)
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    return object;
  }),
})).object as fc.Arbitrary<Record<string, unknown>>;

describe('a patch of names that every object inherits', () => {
  const target = fc.constantFrom({}, { a: '1', metadata: { a: '1' } }, { constructor: { prototype: { a: '1' } } });
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    path,
    from: path,
    value: tree,
  });

  it('changes no prototype as a JSON patch', () => {
    fc.assert(
      fc.property(target, fc.array(operation, { maxLength: 4 }), (object, operations) => {
        try {
          expectPlain(jsonPatch(object, operations));
        } catch (error) {
          expect(error).toBeInstanceOf(PatchFailure);
        }
        expectNothingPolluted();
      }),
      { numRuns: 500 },
    );
  });

  it('changes no prototype as a merge patch, a strategic one or an apply', () => {
    const schemas = [structOf('ConfigMap'), structOf('ObjectMeta'), structOf('PodSpec')];
    fc.assert(
      fc.property(
        target,
        tree,
        fc.constantFrom(...schemas),
        fc.array(name, { minLength: 1 }),
        (object, patch, schema, names) => {
          const directives = { ...patch };
          for (const one of names) {
            Object.assign(directives, {
              [`$setElementOrder/${one}`]: ['a'],
              [`$deleteFromPrimitiveList/${one}`]: ['a'],
            });
          }
          expectPlain(mergePatch(object, patch));
          expectPlain(strategicPatch(object, directives, schema));
          expectPlain(mergeApplied(object, patch, schema));
          expectPlain(withoutField(object, names.map((one) => `f:${one}`).join('\n'), schema));
          expectNothingPolluted();
        },
      ),
      { numRuns: 500 },
    );
  });

  it('changes no prototype as managed fields', () => {
    fc.assert(
      fc.property(tree, (fields) => {
        expectPlain(toFieldsV1(fromFieldsV1(fields)));
        expectNothingPolluted();
      }),
    );
  });

  it('is answered with a refusal by the server, in every kind', async () => {
    await create('hostile');
    const own = '"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"hostile"}';
    const bodies: [string, string][] = [
      [JSON_PATCH, '[{"op":"add","path":"/metadata/__proto__/deletionTimestamp","value":"2026-01-01T00:00:00Z"}]'],
      [JSON_PATCH, '[{"op":"add","path":"/metadata/constructor/prototype/deletionTimestamp","value":"x"}]'],
      [JSON_PATCH, '[{"op":"add","path":"/data/__proto__","value":"x"}]'],
      [JSON_PATCH, '[{"op":"add","path":"/data","value":{"__proto__":"x"}}]'],
      [MERGE, '{"metadata":{"__proto__":{"deletionTimestamp":"2026-01-01T00:00:00Z"}}}'],
      [MERGE, '{"data":{"__pro\\u0074o__":"x"}}'],
      [STRATEGIC, '{"metadata":{"__proto__":{"deletionTimestamp":"2026-01-01T00:00:00Z"}}}'],
      [`${APPLY}`, `{${own},"data":{"__proto__":"x"}}`],
      [`${APPLY}`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hostile}\ndata: {__proto__: x}\n'],
    ];
    for (const [type, body] of bodies) {
      const answer = await send('PATCH', `${MAPS}/hostile?fieldManager=test`, type, body);
      expect([400, 422], `${type} ${body}: ${answer.text}`).toContain(answer.status);
    }
    for (const type of ['application/json', YAML]) {
      expect((await send('POST', MAPS, type, `{${own},"data":{"__proto__":"x"}}`)).status).toBe(400);
    }
    expect(lab.store.get('ConfigMap', 'default', 'hostile')?.data).toEqual({ a: '1' });
    expect((await lab.fetch('/api/v1/nodes/worker')).json().metadata).not.toHaveProperty('deletionTimestamp');
  });

  it('keeps fields that are only named so', async () => {
    await create('named', { constructor: '1', prototype: '2' });
    await send('PATCH', `${MAPS}/named`, MERGE, '{"data":{"constructor":"3","toString":"4"}}');
    await send('PATCH', `${MAPS}/named`, STRATEGIC, '{"data":{"valueOf":"5"}}');
    const answer = await send('PATCH', `${MAPS}/named`, JSON_PATCH, '[{"op":"remove","path":"/data/prototype"}]');
    expect(answer.json().data).toEqual({ constructor: '3', toString: '4', valueOf: '5' });
  });
});

describe('a body that nests 10,000 deep', () => {
  const deep = (open: string, close: string) => `${open.repeat(10_000)}1${close.repeat(10_000)}`;
  const objects = deep('{"a":', '}');
  const object = (inner: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"x":${inner}}`;
  const yaml = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\nx: ${deep('[', ']')}\n`;

  it.each<[string, string, string, string]>([
    ['a create', 'POST', 'application/json', object(objects)],
    ['a create of brackets', 'POST', 'application/json', deep('[', ']')],
    ['a create in YAML', 'POST', YAML, yaml],
    ['a create in YAML of blocks', 'POST', YAML, `x:\n${'- '.repeat(10_000)}1\n`],
    ['a create in YAML that never closes', 'POST', YAML, '['.repeat(10_000)],
    ['an apply', 'PATCH', APPLY, object(objects)],
    ['an apply in YAML', 'PATCH', APPLY, yaml],
    ['a merge patch', 'PATCH', MERGE, `{"data":${objects}}`],
    ['a strategic patch', 'PATCH', STRATEGIC, `{"data":${objects}}`],
    ['a JSON patch', 'PATCH', JSON_PATCH, `[{"op":"add","path":"/data","value":${objects}}]`],
    ['a JSON patch that tests', 'PATCH', JSON_PATCH, `[{"op":"test","path":"/data","value":${objects}}]`],
    ['an update', 'PUT', 'application/json', object(objects)],
    ['a delete', 'DELETE', 'application/json', `{"x":${objects}}`],
  ])('%s is refused', async (_, method, type, body) => {
    await create('deep');
    const path = method === 'POST' ? MAPS : `${MAPS}/deep?fieldManager=test`;
    const answer = await send(method, path, type, body);
    expect(answer.status, answer.text.slice(0, 300)).toBe(400);
    expect(answer.text).toMatch(/exceeded max depth|nested too deeply/);
  });

  it("is refused in Go's words, as Kubernetes passes them on", async () => {
    const { message } = (await send('POST', MAPS, 'application/json', object(objects))).json();
    expect(message).toBe(
      `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: invalid character '{' exceeded max depth ({"apiVersion":"v1","kind":"Con ...)`,
    );
  });

  it('does not come about by copies of a value into itself either', async () => {
    await create('copied');
    const double = { op: 'copy', from: '/data', path: '/data/x' };
    const patch = JSON.stringify(Array.from({ length: 40 }, () => double));
    const answer = await send('PATCH', `${MAPS}/copied`, JSON_PATCH, patch);
    expect(answer.status).toBe(422);
    const large = JSON.stringify([{ op: 'add', path: '/data/a', value: 'x'.repeat(2_000_000) }, double, double]);
    expect((await send('PATCH', `${MAPS}/copied`, JSON_PATCH, large)).text).toMatch(
      /accumulated size increase of copy/,
    );
  });
});

describe('YAML', () => {
  it('whose aliases stand for too much is refused', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((one, i) => `${one}: &${one} [${Array(10).fill(`*${'abcdefgh'[i]}`)}]`),
    ];
    const long = [
      'apiVersion: v1',
      'kind: ConfigMap',
      'metadata: {name: bomb}',
      `x: &x ${'y'.repeat(100_000)}`,
      `data: {${Array.from({ length: 60 }, (_, i) => `k${i}: *x`).join(', ')}}`,
    ];
    for (const lines of [bomb, long, ['a: &a [*a]']]) {
      const answer = await send('POST', MAPS, YAML, `${lines.join('\n')}\n`);
      expect(answer.status, answer.text.slice(0, 200)).toBe(400);
    }
  });

  it('with a key that comes twice, two documents or none is refused', async () => {
    for (const body of ['kind: ConfigMap\nkind: Secret\n', 'a: 1\n---\nb: 2\n', '', '[1]\n', '%YAML 9\n', '\t- a']) {
      expect((await send('POST', MAPS, YAML, body)).status, body).toBe(400);
    }
  });

  it('is applied and created', async () => {
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata: {a: "1"}\n';
    expect((await send('POST', MAPS, YAML, body)).status).toBe(201);
    expect(
      (await send('PATCH', `${MAPS}/yaml?fieldManager=test&force=true`, APPLY, body.replace('"1"', '"2"'))).status,
    ).toBe(200);
    expect(lab.store.get('ConfigMap', 'default', 'yaml')?.data).toEqual({ a: '2' });
  });
});

it('a JSON patch of more than 10,000 operations is too large', async () => {
  await create('many');
  const patch = JSON.stringify(
    Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })),
  );
  expect((await send('PATCH', `${MAPS}/many`, JSON_PATCH, patch)).status).toBe(413);
});
