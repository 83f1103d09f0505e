import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Cluster } from '../../src/kube/cluster.ts';

interface Seen {
  method: string;
  url: string;
  type: string | undefined;
  body: string;
}

const seen: Seen[] = [];
const sockets = new Set<Socket>();
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let cluster: Cluster;
let folder: string;

const server = createServer(async (request, response) => {
  sockets.add(request.socket);
  const { method = '', url = '', headers } = request;
  seen.push({ method, url, type: headers['content-type'], body: await text(request) });
  if (headers.authorization !== 'Bearer let-me-in') return give(response, 401, { message: 'who are you?' });
  const resources = [
    { name: 'pods', kind: 'Pod', namespaced: true },
    { name: 'pods/log', kind: 'Pod', namespaced: true },
    { name: 'nodes', kind: 'Node', namespaced: false },
  ];
  if (url === '/api/v1') return give(response, 200, { resources });
  if (url.startsWith('/apis/'))
    return give(response, 404, { message: 'the server could not find the requested resource' });
  return answer(request, response);
});

function give(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'wglab-cluster-'));
  const { port } = server.address() as AddressInfo;
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'let-me-in' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  seen.length = 0;
  sockets.clear();
  cluster = Cluster.connect(join(folder, 'kubeconfig'));
  answer = (_, response) => give(response, 200, { items: [] });
});

test('one connection carries many requests, and a group is asked for its kinds once', async () => {
  for (let i = 0; i < 5; i += 1) await cluster.pods('app=nc');
  await cluster.list('v1', 'Pod', 'nc');
  expect(seen.map(({ url }) => url)).toEqual([
    '/api/v1',
    ...Array(5).fill('/api/v1/pods?labelSelector=app%3Dnc'),
    '/api/v1/namespaces/nc/pods',
  ]);
  expect(sockets.size).toBe(1);
});

test('a kept connection that the server closed meanwhile is no error', async () => {
  await cluster.nodes();
  let broken = false;
  answer = (request, response) => {
    if (broken) return give(response, 200, { items: [{ metadata: { name: 'n' } }] });
    broken = true;
    request.socket.destroy();
  };
  expect(await cluster.nodes()).toHaveLength(1);
});

test('what is not there is undefined, whether the object or its kind; what is forbidden is reported in the words of the server', async () => {
  const reference = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'a b' } };
  answer = (_, response) => give(response, 404, { message: 'pods "p" not found' });
  expect(await cluster.get(reference)).toBeUndefined();
  expect(seen.at(-1)?.url).toBe('/api/v1/namespaces/a%20b/pods/p');
  expect(await cluster.get({ ...reference, apiVersion: 'nobody.example/v1' })).toBeUndefined();
  answer = (_, response) => give(response, 403, { message: 'pods "p" is forbidden' });
  await expect(cluster.get(reference)).rejects.toThrow('get Pod a b/p: pods "p" is forbidden');
  await expect(cluster.list('nobody.example/v1', 'Thing')).rejects.toThrow('no kind Thing in nobody.example/v1');
});

test('apply creates, patches what differs and leaves alone what does not', async () => {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n' }, spec: { a: 1 } };
  expect(await cluster.apply(object)).toBe('created');
  const { body } =
    seen.find(({ method, url }) => method === 'POST' && url === '/api/v1/namespaces/n/pods?fieldValidation=Strict') ??
    {};
  const stored = JSON.parse(body ?? '');
  answer = (request, response) => give(response, request.method === 'POST' ? 409 : 200, stored);
  expect(await cluster.apply(object)).toBe('unchanged');
  expect(await cluster.apply({ ...object, spec: { a: 2 } })).toBe('configured');
  const patch = seen.at(-1);
  expect(patch).toMatchObject({ method: 'PATCH', type: 'application/merge-patch+json' });
  expect(JSON.parse(patch?.body ?? '')).toMatchObject({ spec: { a: 2 } });
});

test('until looks again at each event, and ends its watch', async () => {
  let count = 0;
  let watch: ServerResponse | undefined;
  const ended = new Promise<void>((resolve) => {
    answer = (request, response) => {
      if (!request.url?.includes('watch=true')) {
        give(response, 200, { items: Array(count).fill({}) });
        if (watch && count < 3) watch.write(`{"type":"ADDED"}\n`);
        count += 1;
        return;
      }
      watch = response;
      response.on('close', resolve);
      response.writeHead(200).write('{"type":"ADDED"}\n');
    };
  });
  const found = await cluster.until(
    '/api/v1/pods',
    () => cluster.pods(),
    (pods) => pods.length >= 3,
    {
      timeoutMs: 5_000,
      describe: () => 'pods',
    },
  );
  expect(found).toHaveLength(3);
  await ended;
});

test('until goes on when the server has ended its watch, and tells each time what it waits for', async () => {
  let count = 0;
  answer = (request, response) => {
    if (request.url?.includes('watch=true')) return void response.writeHead(200).end();
    give(response, 200, { items: Array(count).fill({}) });
    count += 1;
  };
  const told: string[] = [];
  await cluster.until(
    '/api/v1/pods',
    () => cluster.pods(),
    (pods) => pods.length >= 3,
    { timeoutMs: 5_000, describe: (pods) => `three pods: ${pods.length} are there`, update: (text) => told.push(text) },
  );
  expect(told).toEqual([0, 1, 2].map((there) => `waiting, at most 5 s, for three pods: ${there} are there`));
});

test('a server that says nothing more is not waited for without end, but for a watch', async () => {
  answer = (request, response) => {
    if (request.url?.includes('watch=true')) return void response.writeHead(200).flushHeaders();
    if (request.url?.includes('nodes')) return give(response, 200, { items: [] });
  };
  const impatient = Cluster.connect(join(folder, 'kubeconfig'), undefined, 200);
  await expect(impatient.pods()).rejects.toThrow('list Pod: the server said nothing for 0.2 s');
  const wait = { timeoutMs: 700, describe: () => 'a node' };
  const never = impatient.until(
    '/api/v1/nodes',
    () => impatient.nodes(),
    () => false,
    wait,
  );
  await expect(never).rejects.toThrow('waited 0.7 s for a node');
});

test('until says what it waited for, and a watch that breaks is reported', async () => {
  answer = (request, response) => {
    if (request.url?.includes('watch=true')) response.writeHead(200).flushHeaders();
    else give(response, 200, { items: [] });
  };
  const never = () =>
    cluster.until(
      '/api/v1/pods',
      () => cluster.pods(),
      () => false,
      { timeoutMs: 60, describe: () => 'a pod' },
    );
  await expect(never()).rejects.toThrow('waited 0.06 s for a pod');
  answer = (request, response) => {
    if (!request.url?.includes('watch=true')) return give(response, 200, { items: [] });
    response.writeHead(200).flushHeaders();
    setImmediate(() => response.destroy());
  };
  await expect(never()).rejects.toThrow('watch /api/v1/pods');
});
