import { once } from 'node:events';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { effectWarnings } from '../../src/kube-api/without-effect.ts';
import { type ApiLab, startApiLab } from './support/api-lab.ts';

const configMap = (name: string, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { a: '1' },
  ...extra,
});
const MAPS = '/api/v1/namespaces/default/configmaps';
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(async () => {
  await lab.close();
  expect(lab.logged).toEqual([]);
});

/** Reads events of a watch until there are so many, then goes. */
async function watch(path: string, count: number, headers: Record<string, string> = {}) {
  const call = request({
    host: '127.0.0.1',
    port: lab.port,
    path,
    rejectUnauthorized: false,
    agent: false,
    headers: { authorization: `Bearer ${lab.token}`, ...headers },
  });
  call.end();
  const [response] = await once(call, 'response');
  const events: { type: string; object: Record<string, unknown> & { metadata: Record<string, unknown> } }[] = [];
  const done = (async () => {
    let text = '';
    for await (const chunk of response) {
      text += String(chunk);
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        events.push(JSON.parse(text.slice(0, end)));
        text = text.slice(end + 1);
      }
      if (events.length >= count) break;
    }
    call.destroy();
    return events;
  })();
  return { status: response.statusCode as number, done };
}

describe('the door', () => {
  it.each(['/livez', '/readyz', '/healthz', '/version'])('is open for %s', async (path) => {
    expect((await lab.fetch(path, { token: null })).status).toBe(200);
  });

  it.each(['/api', '/apis', '/openapi/v3', '/api/v1/pods', '/nonsense'])('is shut for %s', async (path) => {
    for (const token of [null, 'wrong', `${lab.token}x`, '']) {
      const answer = await lab.fetch(path, { token });
      expect(answer.status).toBe(401);
      expect(answer.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    }
  });

  it('is shut for exec', async () => {
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
    const answer = await lab.fetch('/api/v1/nodes/worker/exec?command=sh&stdout=true', {
      token: null,
      headers: upgrade,
    });
    expect(answer.status).toBe(401);
    expect(lab.runtime.commands).toEqual([]);
  });
});

describe('what there is not', () => {
  it.each([
    ['GET', '/api/v1/gadgets', 404, 'NotFound'],
    ['GET', '/api/v2/pods', 404, 'NotFound'],
    ['GET', '/apis/apps/v1/pods', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/default/nodes', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/%zz/pods', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/default/pods/a/attach', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/default/configmaps/a/status', 404, 'NotFound'],
    ['PUT', MAPS, 405, 'MethodNotAllowed'],
    ['POST', `${MAPS}/a`, 405, 'MethodNotAllowed'],
    ['POST', '/apis/crd.projectcalico.org/v1/ipamblocks', 405, 'MethodNotAllowed'],
  ])('%s %s is %d', async (method, path, code, reason) => {
    const answer = await lab.fetch(path, { method });
    expect(answer.json()).toMatchObject({ kind: 'Status', status: 'Failure', code, reason });
    expect(answer.status).toBe(code);
  });

  it('refuses bodies that are too large, of an unknown type, or no objects', async () => {
    const large = JSON.stringify(configMap('large', { data: { a: 'x'.repeat(3 * 1024 * 1024) } }));
    expect((await lab.fetch(MAPS, { method: 'POST', body: large })).status).toBe(413);
    const type = { 'content-type': 'text/csv' };
    expect((await lab.fetch(MAPS, { method: 'POST', body: 'a,b', headers: type })).status).toBe(415);
    for (const body of ['{', '[]', 'null', '""']) {
      expect((await lab.fetch(MAPS, { method: 'POST', body })).status).toBe(400);
    }
    const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    for (const body of ['k8s\0\x0a', 'nonsense', '']) {
      expect((await lab.fetch(MAPS, { method: 'POST', body, headers: protobuf })).status).toBe(400);
    }
  });
});

describe('decoding', () => {
  const send = (mode: string, body: string) =>
    lab.fetch(`${MAPS}?fieldValidation=${mode}&dryRun=All`, { method: 'POST', body });
  const odd = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"odd","name":"odd"},"data":{"a":"1"},"dta":{}}';

  it('refuses, warns of or drops unknown and duplicate fields', async () => {
    const strict = await send('Strict', odd);
    expect(strict.status).toBe(400);
    expect(strict.json().message).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta", duplicate field "metadata.name"',
    );
    const warned = await send('Warn', odd);
    expect(warned.status).toBe(201);
    expect(warned.headers.warning).toContain('unknown field \\"dta\\"');
    expect(warned.json()).not.toHaveProperty('dta');
    const ignored = await send('Ignore', odd);
    expect(ignored.status).toBe(201);
    expect(ignored.headers.warning).toBeUndefined();
  });

  it('warns of fields without effect where the request sets them, not where they were', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const container = { name: 'c', image: 'busybox', readinessProbe: { exec: { command: ['true'] } } };
    const labels = { app: 'warned' };
    const template = { metadata: { labels }, spec: { hostname: 'own', containers: [container] } };
    const body = { metadata: { name: 'warned' }, spec: { selector: { matchLabels: labels }, template } };
    const warnings = (answer: { headers: Record<string, unknown> }) =>
      String(answer.headers.warning ?? '').match(/spec[\w.[\]]+/g) ?? [];
    const at = 'spec.template.spec';
    const created = await lab.fetch(deployments, { method: 'POST', body });
    expect(warnings(created)).toEqual([`${at}.hostname`, `${at}.containers[0].readinessProbe`]);
    const patch = (change: object) =>
      lab.fetch(`${deployments}/warned`, {
        method: 'PATCH',
        body: JSON.stringify(change),
        headers: { 'content-type': 'application/strategic-merge-patch+json' },
      });
    expect(warnings(await patch({ spec: { replicas: 2 } }))).toEqual([]);
    const requests = {
      spec: { template: { spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1' } } }] } } },
    };
    expect(warnings(await patch(requests))).toEqual([`${at}.containers[0].resources`]);
    await lab.fetch(`${deployments}/warned`, { method: 'DELETE' });
  });

  it('warns of settings for IPv6 only where the nodes have none', async () => {
    const felix = { kind: 'FelixConfiguration', metadata: { name: 'node.n' }, spec: { wireguardEnabledV6: true } };
    const object = { apiVersion: 'projectcalico.org/v3', ...felix };
    const nodeAt = (...addresses: string[]): KubeObject => ({
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } },
      status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
    });
    const store = (node: KubeObject) => ({ list: () => [node] });
    expect(effectWarnings(store(nodeAt('172.18.0.2')), object)).toEqual([
      "spec.wireguardEnabledV6: accepted, without effect in wglab's embedded engine",
    ]);
    expect(effectWarnings(store(nodeAt('172.18.0.2', 'fc00::2')), object)).toEqual([]);
  });

  it('keeps nothing of a dry run', () => {
    expect(lab.store.get('ConfigMap', 'default', 'odd')).toBeUndefined();
  });

  it('takes YAML, and no foreign apiVersion, kind, name or namespace', async () => {
    const yaml = { 'content-type': 'application/yaml' };
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\n';
    expect((await lab.fetch(`${MAPS}?dryRun=All`, { method: 'POST', body, headers: yaml })).status).toBe(201);
    for (const wrong of [{ apiVersion: 'v2' }, { kind: 'Secret' }, { metadata: { name: 'x', namespace: 'other' } }]) {
      expect((await lab.fetch(MAPS, { method: 'POST', body: configMap('x', wrong) })).status).toBe(400);
    }
    await lab.fetch(MAPS, { method: 'POST', body: configMap('named') });
    expect((await lab.fetch(`${MAPS}/named`, { method: 'PUT', body: configMap('other') })).status).toBe(400);
  });
});

describe('writing', () => {
  it('refuses an old resource version, and what exists', async () => {
    const created = (await lab.fetch(MAPS, { method: 'POST', body: configMap('locked') })).json();
    expect((await lab.fetch(MAPS, { method: 'POST', body: configMap('locked') })).json().reason).toBe('AlreadyExists');
    const changed = { ...created, data: { a: '2' } };
    expect((await lab.fetch(`${MAPS}/locked`, { method: 'PUT', body: changed })).status).toBe(200);
    const again = await lab.fetch(`${MAPS}/locked`, { method: 'PUT', body: { ...created, data: { a: '3' } } });
    expect(again.json()).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(lab.store.get('ConfigMap', 'default', 'locked')?.data).toEqual({ a: '2' });
  });

  it('makes up names, and keeps what the server owns', async () => {
    const body = { ...configMap(''), metadata: { generateName: 'made-', uid: 'mine', resourceVersion: '1' } };
    const { metadata } = (await lab.fetch(MAPS, { method: 'POST', body })).json() as {
      metadata: Record<string, string>;
    };
    expect(metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(metadata.uid).not.toBe('mine');
  });

  it('changes the status only through its subresource', async () => {
    const path = '/api/v1/nodes/worker';
    const merge = { 'content-type': 'application/merge-patch+json' };
    const body = { metadata: { labels: { x: 'y' } }, status: { phase: 'Odd' } };
    await lab.fetch(path, { method: 'PATCH', body, headers: merge });
    const node = lab.store.get('Node', undefined, 'worker');
    expect(node?.metadata.labels?.x).toBe('y');
    expect(node?.status).not.toHaveProperty('phase');
    await lab.fetch(`${path}/status`, {
      method: 'PATCH',
      body: { ...body, metadata: { labels: { x: 'z' } } },
      headers: merge,
    });
    expect(lab.store.get('Node', undefined, 'worker')?.status).toMatchObject({ phase: 'Odd' });
    expect(lab.store.get('Node', undefined, 'worker')?.metadata.labels?.x).toBe('y');
  });

  it('keeps selectors and pods as they are', async () => {
    const spec = { containers: [{ name: 'a', image: 'b' }] };
    const pods = '/api/v1/namespaces/default/pods';
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'fixed' }, spec };
    await lab.fetch(pods, { method: 'POST', body: pod });
    const headers = { 'content-type': 'application/strategic-merge-patch+json' };
    const renamed = { spec: { containers: [{ name: 'a', command: ['x'] }] } };
    const answer = await lab.fetch(`${pods}/fixed`, { method: 'PATCH', body: renamed, headers });
    expect(answer.json()).toMatchObject({
      code: 422,
      details: { causes: [{ field: 'spec', reason: 'FieldValueForbidden' }] },
    });
    const image = { spec: { containers: [{ name: 'a', image: 'c' }] } };
    expect((await lab.fetch(`${pods}/fixed`, { method: 'PATCH', body: image, headers })).status).toBe(200);
    const custom = await lab.fetch('/apis/crd.projectcalico.org/v1/felixconfigurations/default', {
      method: 'PATCH',
      body: {},
      headers,
    });
    expect(custom.status).toBe(415);
  });
});

describe('watching', () => {
  it('begins with what is there, and tells what a selector takes in and lets go', async () => {
    const path = `${MAPS}?watch=true&labelSelector=w%3Dyes`;
    lab.store.create({ ...configMap('w1'), metadata: { name: 'w1', namespace: 'default', labels: { w: 'yes' } } });
    const { done } = await watch(path, 4);
    const relabel = (name: string, w: string) =>
      lab.store.modify('ConfigMap', 'default', name, ({ metadata }) => {
        metadata.labels = { w };
      });
    lab.store.create({ ...configMap('w2'), metadata: { name: 'w2', namespace: 'default' } });
    relabel('w2', 'yes');
    relabel('w1', 'no');
    relabel('w1', 'never');
    lab.store.remove('ConfigMap', 'default', 'w2');
    const events = await done;
    expect(events.map((e) => `${e.type} ${e.object.metadata.name}`)).toEqual([
      'ADDED w1',
      'ADDED w2',
      'DELETED w1',
      'DELETED w2',
    ]);
  });

  it('resumes from a resource version, and says when that is too old', async () => {
    const from = lab.store.version;
    lab.store.create({ ...configMap('r1'), metadata: { name: 'r1', namespace: 'default' } });
    lab.store.remove('ConfigMap', 'default', 'r1');
    const { done } = await watch(`${MAPS}?watch=1&resourceVersion=${from}`, 2);
    expect((await done).map((e) => e.type)).toEqual(['ADDED', 'DELETED']);
    for (let i = 0; i < 4200; i++) {
      lab.store.modify('Node', undefined, 'worker2', ({ metadata }) => {
        metadata.annotations = { i: String(i) };
      });
    }
    const old = await lab.fetch(`${MAPS}?watch=1&resourceVersion=${from}`);
    expect(old.json()).toMatchObject({ code: 410, reason: 'Expired' });
  });

  it('streams a list when asked, with a bookmark at its end, and ends in time', async () => {
    const query =
      'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1';
    const { done } = await watch(`/api/v1/nodes?${query}`, 99);
    const events = await done;
    expect(events.map((e) => e.type)).toEqual(['ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
    expect(events.at(-1)?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('comes as tables too, with columns once', async () => {
    const { done } = await watch('/api/v1/nodes?watch=1', 3, TABLE);
    const tables = (await done).map((e) => e.object);
    expect(tables.map((t) => t.kind)).toEqual(['Table', 'Table', 'Table']);
    expect(tables.map((t) => Array.isArray(t.columnDefinitions))).toEqual([true, false, false]);
  });

  it('lets go of the store when the client goes', async () => {
    const before = lab.store.version;
    const { done } = await watch('/api/v1/nodes?watch=1', 1);
    await done;
    expect(lab.store.version).toBe(before);
  });
});

describe('tables', () => {
  it.each([
    ['None', null],
    ['Metadata', 'PartialObjectMetadata'],
    ['Object', 'Node'],
  ])('include %s of the object', async (include, kind) => {
    const answer = await lab.fetch(`/api/v1/nodes/worker?includeObject=${include}`, { headers: TABLE });
    const { rows } = answer.json() as { rows: { object: { kind: string } | null }[] };
    expect(rows[0]?.object?.kind ?? null).toBe(kind);
  });
});

describe('deleting', () => {
  const owner = (kind: string, name: string, uid = '') => ({ apiVersion: 'apps/v1', kind, name, uid });
  const workload = (name: string) => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: { a: 'b' } } },
  });
  const dependent = (name: string, of: { kind: string; metadata: { name: string; uid?: string } }) =>
    lab.store.create({
      ...configMap(name),
      metadata: { name, namespace: 'default', ownerReferences: [owner(of.kind, of.metadata.name, of.metadata.uid)] },
    });
  const has = (name: string) => lab.store.get('ConfigMap', 'default', name) !== undefined;
  const remove = (name: string, policy: string) =>
    lab.fetch(`/apis/apps/v1/namespaces/default/replicasets/${name}`, {
      method: 'DELETE',
      body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: policy },
    });

  it('takes dependents along in the background, first in the foreground, or leaves them', async () => {
    dependent('back', lab.store.create(workload('back')));
    await remove('back', 'Background');
    await expect.poll(() => has('back')).toBe(false);

    dependent('front', lab.store.create(workload('front')));
    await remove('front', 'Foreground');
    await expect.poll(() => lab.store.get('ReplicaSet', 'default', 'front')).toBeUndefined();
    expect(has('front')).toBe(false);

    dependent('left', lab.store.create(workload('left')));
    await remove('left', 'Orphan');
    await lab.fetch('/livez');
    expect(has('left')).toBe(true);
    expect(lab.store.get('ConfigMap', 'default', 'left')?.metadata).not.toHaveProperty('ownerReferences');
  });

  it('waits for finalizers', async () => {
    const metadata = { name: 'held', finalizers: ['example.com/hold'] };
    await lab.fetch(MAPS, { method: 'POST', body: { ...configMap('held'), metadata } });
    await lab.fetch(`${MAPS}/held`, { method: 'DELETE' });
    expect(lab.store.get('ConfigMap', 'default', 'held')?.metadata.deletionTimestamp).toMatch(/Z$/);
    const headers = { 'content-type': 'application/merge-patch+json' };
    await lab.fetch(`${MAPS}/held`, { method: 'PATCH', body: { metadata: { finalizers: null } }, headers });
    expect(has('held')).toBe(false);
  });

  it('leaves running pods to their kubelet, unless at once', async () => {
    const pod = (name: string) =>
      lab.store.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { nodeName: 'worker', containers: [] },
        status: { phase: 'Running' },
      });
    const path = (name: string) => `/api/v1/namespaces/default/pods/${name}`;
    pod('slow');
    const answer = (await lab.fetch(path('slow'), { method: 'DELETE' })).json();
    expect(answer).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 30 } });
    pod('fast');
    await lab.fetch(`${path('fast')}?gracePeriodSeconds=0`, { method: 'DELETE' });
    expect(lab.store.get('Pod', 'default', 'fast')).toBeUndefined();
  });

  it('deletes collections by selector, and namespaces with what is in them', async () => {
    for (const [name, color] of [
      ['c1', 'red'],
      ['c2', 'blue'],
    ] as const) {
      const metadata = { name, labels: { color } };
      await lab.fetch(MAPS, { method: 'POST', body: { ...configMap(name), metadata } });
    }
    await lab.fetch(`${MAPS}?labelSelector=color%3Dred`, { method: 'DELETE' });
    expect([has('c1'), has('c2')]).toEqual([false, true]);

    lab.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gone' }, status: { phase: 'Active' } });
    lab.store.create({
      ...configMap('stuck'),
      metadata: { name: 'stuck', namespace: 'gone', finalizers: ['example.com/hold'] },
    });
    await lab.fetch('/api/v1/namespaces/gone', { method: 'DELETE' });
    expect(lab.store.get('Namespace', undefined, 'gone')?.status?.phase).toBe('Terminating');
    const refused = await lab.fetch('/api/v1/namespaces/gone/configmaps', { method: 'POST', body: configMap('late') });
    expect(refused.json()).toMatchObject({ code: 403, reason: 'Forbidden' });
    lab.store.remove('ConfigMap', 'gone', 'stuck');
    await expect.poll(() => lab.store.get('Namespace', undefined, 'gone')).toBeUndefined();
  });
});

it('caches OpenAPI documents by hash and ETag', async () => {
  const { paths } = (await lab.fetch('/openapi/v3')).json() as { paths: Record<string, { serverRelativeURL: string }> };
  const url = paths['apis/apps/v1']?.serverRelativeURL ?? '';
  const document = await lab.fetch(url);
  const again = await lab.fetch(url, { headers: { 'if-none-match': String(document.headers.etag) } });
  expect([document.status, again.status]).toEqual([200, 304]);
});

it('listens on a handle that is already bound, and ends everything on close', async () => {
  const holder = createServer();
  holder.listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  const other = await startApiLab({ nodes: ['a'], listen: holder });
  try {
    expect(other.port).toBe(port);
    expect((await other.fetch('/readyz')).text).toBe('ok');
    const watching = other.fetch('/api/v1/nodes?watch=1').catch(() => 'ended');
    await other.fetch('/livez');
    await other.close();
    expect(await watching).toBe('ended');
  } finally {
    holder.close();
  }
});
