import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { glanceAtKubernetes } from '../../src/engine/kubernetes/doctor/kubernetes.ts';
import { hasWireguard } from '../../src/engine/kubernetes/doctor/kubernetes-nodes.ts';
import { doctor } from '../../src/operations/doctor.ts';
import { startCrdServer } from '../cni/support-server.ts';
import { startApiLab } from '../kube-api/support/api-lab.ts';
import { ToolFolder } from './tool-folder.ts';

afterEach(() => void vi.unstubAllEnvs());

async function look(kubeconfig: string, context?: string) {
  const request = { engine: 'kubernetes', kubeconfig, ...(context === undefined ? {} : { context }) } as const;
  const { engines } = await doctor(request);
  const [report] = engines;
  if (!report || engines.length !== 1) throw new Error('not one engine');
  return { ...report, named: (name: string) => report.checks.find((check) => check.name === name) };
}

test('an embedded lab has all, tells nobody his rights, and keeps nothing of what was tried', async () => {
  const api = await startApiLab();
  try {
    const { ok, named } = await look(api.kubeconfig);
    expect(named('Kubernetes API')).toMatchObject({ ok: true, seen: expect.stringMatching(/^https:\S+, v1\./) });
    expect(named('rights')).toMatchObject({
      ok: 'warning',
      seen: expect.stringContaining('no SelfSubjectAccessReview'),
    });
    expect(named('privileged pods')).toMatchObject({ ok: true });
    expect(named('nodes')).toMatchObject({ seen: '3 with Linux' });
    expect(ok).toBe(true);
    const kept = [...api.store.list('Namespace'), ...api.store.list('Pod')].map(({ metadata }) => metadata.name);
    expect(kept.filter((name) => name.includes('doctor'))).toEqual([]);
  } finally {
    await api.close();
  }
});

describe('a cluster', () => {
  let server: Awaited<ReturnType<typeof startCrdServer>>;
  /** The permissions that the person lacks. */
  let forbidden: string[];

  const LABEL = 'pod-security.kubernetes.io/enforce';
  const denied = (message: string) => () => ({ status: 403, body: { message } });

  beforeEach(async () => {
    server = await startCrdServer();
    const { serve, objects, onCreate } = server;
    forbidden = [];
    objects.set('/version', { gitVersion: 'v1.35.0', platform: 'linux/amd64' });
    serve('/api/v1', 'nodes', 'Node');
    serve('/apis/projectcalico.org/v3', 'felixconfigurations', 'FelixConfiguration');
    serve('/apis/authorization.k8s.io/v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview');
    node('a', '6.8.0-45-generic');
    node('b', '6.8.0-45-generic');
    const containers = [{ name: 'calico-node', image: 'registry.example:5000/calico/node:v3.31.7@sha256:0123' }];
    objects.set('/apis/apps/v1/daemonsets/calico-node', {
      metadata: { name: 'calico-node' },
      spec: { template: { spec: { containers } } },
    });
    onCreate.set('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', ({ spec }) => {
      const asked = (spec as { resourceAttributes: Record<string, string> }).resourceAttributes;
      const words = `${asked.verb} ${[asked.resource, asked.subresource].filter(Boolean).join('/')}`;
      return { status: 201, body: { status: { allowed: !forbidden.includes(words) } } };
    });
    onCreate.set('/api/v1/namespaces', (sent) => ({ status: 201, body: sent }));
    onCreate.set('/api/v1/namespaces/default/pods', (sent) => ({ status: 201, body: sent }));
  });

  afterEach(() => server.close());

  function node(name: string, kernelVersion: string, operatingSystem = 'linux'): void {
    const nodeInfo = { kernelVersion, operatingSystem, osImage: 'Ubuntu 24.04' };
    const conditions = [{ type: 'Ready', status: 'True' }];
    server.objects.set(`/api/v1/nodes/${name}`, { metadata: { name }, status: { nodeInfo, conditions } });
  }

  test('that allows everything can be used, and nothing is changed in it', async () => {
    const { ok, checks, named } = await look(server.kubeconfig);
    expect(checks.filter((check) => check.ok !== true && check.name !== 'kubectl')).toEqual([]);
    expect(ok).toBe(true);
    expect(named('CNI')?.seen).toBe('Calico v3.31.7');
    expect(named("nodes' kernels")?.seen).toBe('6.8.0-45-generic (Ubuntu 24.04) on 2');
    expect(server.requests.filter((request) => !/selfsubject|namespaces$|default\/pods$/.test(request))).toEqual([]);
  });

  test.each([
    ['create namespaces', 'rights', false],
    ['create pods/exec', 'rights', false],
    ['get felixconfigurations', 'rights', false],
    ['list blockaffinities', 'rights', false],
    ['patch felixconfigurations', 'right to encrypt', 'warning'],
  ])('that forbids to %s says so under %s', async (right, name, ok) => {
    forbidden.push(right);
    const check = (await look(server.kubeconfig)).named(name);
    expect(check).toMatchObject({ ok, remedy: expect.stringContaining(right) });
  });

  test.each<
    [string, string, (sent: Record<string, unknown>) => { status: number; body: Record<string, unknown> }, unknown]
  >([
    [
      'by PodSecurity in "default" alone',
      'pods',
      denied('pods "x" is forbidden: violates PodSecurity "baseline:latest"'),
      true,
    ],
    ['by a policy', 'pods', denied('admission webhook "policy" denied the request: no privileged'), false],
    ['as you may create none', 'pods', denied('pods is forbidden: User "u" cannot create resource "pods"'), 'warning'],
    ['by a policy for namespaces', 'namespaces', denied('admission webhook "names" denied the request'), false],
    [
      'by another label',
      'namespaces',
      () => ({ status: 201, body: { metadata: { labels: { [LABEL]: 'baseline' } } } }),
      false,
    ],
  ])('that forbids privileged pods %s', async (_, what, answer, ok) => {
    server.onCreate.set(what === 'pods' ? '/api/v1/namespaces/default/pods' : '/api/v1/namespaces', answer);
    const check = (await look(server.kubeconfig)).named('privileged pods');
    expect(check).toMatchObject({ ok, ...(ok === true ? {} : { remedy: expect.any(String) }) });
  });

  test('with old kernels, Windows and nodes that are not Ready names them', async () => {
    node('old', '5.4.0-190-generic');
    node('win', '10.0.20348', 'windows');
    server.objects.set('/api/v1/nodes/gone', { metadata: { name: 'gone' }, status: { nodeInfo: {} } });
    const { ok, named } = await look(server.kubeconfig);
    expect(named('nodes')).toMatchObject({ ok: 'warning', seen: '4 with Linux; without Linux: win; not Ready: gone' });
    expect(named("nodes' kernels")).toMatchObject({ ok: 'warning', seen: expect.stringMatching(/too old: old$/) });
    expect(ok).toBe(true);
  });

  test('without Calico names its CNI, and what it cannot do', async () => {
    const other = await startCrdServer();
    try {
      other.objects.set('/version', {});
      other.serve('/api/v1', 'nodes', 'Node');
      other.objects.set('/apis/apps/v1/daemonsets/cilium', {
        metadata: { name: 'cilium' },
        spec: { template: { spec: { containers: [{ image: 'quay.io/cilium/cilium:v1.18.2' }] } } },
      });
      const { named } = await look(other.kubeconfig);
      expect(named('CNI')).toMatchObject({
        ok: 'warning',
        seen: expect.stringMatching(/^Cilium v1\.18\.2; cannot be judged: /),
      });
    } finally {
      await other.close();
    }
  });

  test('that is not to be found: file, context, and server are distinguished', async () => {
    expect((await look('/nowhere')).named('kubeconfig')).toMatchObject({ ok: false, remedy: expect.any(String) });
    const { ok, named } = await look(server.kubeconfig, 'other');
    expect(named('kubeconfig')).toMatchObject({ ok: false, seen: expect.stringContaining('no context "other"') });
    expect(ok).toBe(false);
    server.objects.delete('/version');
    const check = (await look(server.kubeconfig)).named('Kubernetes API');
    expect(check).toMatchObject({ ok: false, remedy: expect.any(String) });
  });

  test('is looked at in one line by the way', async () => {
    vi.stubEnv('KUBECONFIG', server.kubeconfig);
    using tools = new ToolFolder(['ip']);
    const { ok, engines } = await tools.use(doctor);
    expect(ok).toBe(false); // that a cluster answers does not say that it can be used
    const summary = expect.stringMatching(/^http:\S+ \(context x\) answers, v1\.35\.0; /);
    expect(engines.at(-1)).toMatchObject({ engine: 'kubernetes', ok: true, checks: [], summary });
  });
});

describe('by the way', () => {
  let silent: Server;
  let connections = 0;

  beforeEach(async () => {
    connections = 0;
    silent = createServer(() => undefined).on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    silent.closeAllConnections();
    silent.close();
  });

  test('a server that says nothing takes 3 seconds at most', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wglab-silent-'));
    const { port } = silent.address() as AddressInfo;
    const config = {
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(`${folder}/kubeconfig`, JSON.stringify(config));
    vi.stubEnv('KUBECONFIG', `${folder}/kubeconfig`);
    const began = performance.now();
    const { ok, summary } = await glanceAtKubernetes();
    expect(performance.now() - began).toBeLessThan(4_500);
    expect({ ok, summary }).toMatchObject({ ok: false, summary: expect.stringContaining('3 s') });
    expect(connections).toBeGreaterThan(0);
    await rm(folder, { recursive: true });
  });

  test('without a kubeconfig nothing is asked', async () => {
    vi.stubEnv('KUBECONFIG', '/nowhere/kubeconfig');
    const { engines } = await doctor();
    expect(engines.at(-1)).toMatchObject({
      engine: 'kubernetes',
      ok: false,
      summary: expect.stringMatching(/^no kubeconfig/),
    });
  });
});

test('WireGuard came with Linux 5.6', () => {
  const versions = ['5.5.19', '5.6.0', '5.15.0-1-aws', '6.1', '4.18.0-553.el8', 'unknown'];
  expect(versions.map(hasWireguard)).toEqual([false, true, true, true, false, true]);
});
