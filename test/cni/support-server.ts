import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

type Json = Record<string, unknown>;

/**
 * Stands in for a Kubernetes API server with CustomResourceDefinitions: it keeps what is applied and serves a group once its definition
 * is there. What Calico's operator would do, a test does in `onApplied`. It leaves unproven what a real server refuses, and Calico itself.
 */
export async function startCrdServer(onApplied: (path: string, objects: Map<string, Json>) => void = () => undefined) {
  const objects = new Map<string, Json>();
  const requests: string[] = [];
  /** Answers in place of the server, as a proxy does that cannot reach it; `reset` breaks the connection. */
  const cut: { by?: (path: string) => { status: number; message: string } | 'reset' | undefined } = {};
  /** The handlers that answer when something is created, by path. */
  const onCreate = new Map<string, (sent: Json) => { status: number; body: Json }>();
  /** The logs of pods, by the path of the request. */
  const logs = new Map<string, string>();
  const served = new Map<string, { name: string; kind: string; namespaced: boolean }[]>([
    ['/api/v1', [of('namespaces', 'Namespace', false), of('pods', 'Pod'), of('serviceaccounts', 'ServiceAccount')]],
    ['/apis/apps/v1', [of('deployments', 'Deployment'), of('daemonsets', 'DaemonSet')]],
    ['/apis/apiextensions.k8s.io/v1', [of('customresourcedefinitions', 'CustomResourceDefinition', false)]],
  ]);
  const server = createServer(async (request, response) => {
    const sent = await text(request);
    const broken = cut.by?.(request.url ?? '');
    if (broken === 'reset') return void request.socket.destroy();
    const { status, body } = broken ? { status: broken.status, body: broken } : answer(request, sent);
    if (typeof body === 'string') return void response.writeHead(status).end(body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  function answer(
    { method = 'GET', url = '' }: IncomingMessage,
    sent: string,
  ): { status: number; body: Json | string } {
    const path = url.split('?')[0] ?? '';
    if (method !== 'GET') requests.push(`${method} ${path}`);
    const log = logs.get(path);
    if (log !== undefined) return { status: 200, body: log };
    if (method === 'DELETE') {
      objects.delete(path);
      onApplied(path, objects);
      return { status: 200, body: {} };
    }
    const resources = served.get(path);
    if (resources) return { status: 200, body: { resources } };
    const creates = method === 'POST' ? onCreate.get(path) : undefined;
    if (creates) return creates(JSON.parse(sent) as Json);
    if (method === 'PATCH' || method === 'POST') {
      const name = /^ {2}name: (\S+)/m.exec(sent)?.[1] ?? JSON.parse(sent).metadata?.name;
      const at = method === 'POST' ? `${path}/${name}` : path;
      objects.set(at, sent.startsWith('{') ? JSON.parse(sent) : { metadata: { name } });
      const [, plural, group] = /^customresourcedefinitions\/([^.]+)\.(.+)$/.exec(at.split('/v1/')[1] ?? '') ?? [];
      if (plural !== undefined) serve(`/apis/${group}/v1`, plural, /^ {4}kind: (\S+)/m.exec(sent)?.[1] ?? '');
      onApplied(at, objects);
      return { status: 201, body: {} };
    }
    const found = objects.get(path);
    if (found) return { status: 200, body: found };
    const items = [...objects].filter(([key]) => key.startsWith(`${path}/`)).map(([, object]) => object);
    if (/\/pods$/.test(path))
      return {
        status: 200,
        body: { items: [...objects].filter(([key]) => /\/pods\//.test(key)).map(([, pod]) => pod) },
      };
    return items.length > 0 ? { status: 200, body: { items } } : { status: 404, body: { message: `no ${path}` } };
  }
  function serve(group: string, name: string, kind: string, namespaced = false) {
    served.set(group, [...(served.get(group) ?? []), of(name, kind, namespaced)]);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(tmpdir(), 'wglab-crd-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const { port } = server.address() as AddressInfo;
  const config = {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  return {
    ...{ objects, requests, serve, onCreate, kubeconfig, folder, cut, logs },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function of(name: string, kind: string, namespaced = true) {
  return { name, kind, namespaced };
}
