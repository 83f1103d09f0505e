import { afterEach, beforeEach, expect, test } from 'vitest';
import { Cluster } from '../../src/kube/cluster.ts';
import { untilNodesReady, untilWorkloadsReady } from '../../src/operations/workloads.ts';
import { startCrdServer } from '../cni/support-server.ts';

let server: Awaited<ReturnType<typeof startCrdServer>>;
let told: string[];
let cluster: Cluster;
const { signal } = new AbortController();

beforeEach(async () => {
  server = await startCrdServer();
  server.serve('/api/v1', 'nodes', 'Node');
  cluster = Cluster.connect(server.kubeconfig);
  told = [];
});

afterEach(() => server.close());

const update = (text: string) => void told.push(text);
const ready = (status: string, message = '') => ({ conditions: [{ type: 'Ready', status, message }] });

test('waiting for nodes tells which, how long at most, and what they said last', async () => {
  const node = (status: object) => server.objects.set('/api/v1/nodes/a', { metadata: { name: 'a' }, status });
  node(ready('False', 'cni plugin not initialized'));
  const done = untilNodesReady(cluster, update, signal);
  await expect
    .poll(() => told[0])
    .toBe('waiting, at most 300 s, for nodes to be Ready: a (cni plugin not initialized)');
  node(ready('True'));
  await done;
});

test('waiting for pods tells which and why, of the first few', async () => {
  const at = '/api/v1/namespaces/x/pods';
  for (const name of ['a', 'b', 'c', 'd']) {
    const containerStatuses = [{ state: { waiting: { reason: 'ContainerCreating' } } }];
    const status = { ...ready('False'), phase: 'Pending', ...(name === 'a' ? { containerStatuses } : {}) };
    server.objects.set(`${at}/${name}`, { metadata: { namespace: 'x', name }, status });
  }
  // One set of either kind with nothing to wait for.
  server.objects.set('/apis/apps/v1/daemonsets/none', { metadata: {}, status: {} });
  server.objects.set('/apis/apps/v1/deployments/none', { metadata: {}, spec: { replicas: 0 }, status: {} });
  const done = untilWorkloadsReady(cluster, update, signal);
  await expect
    .poll(() => told[0])
    .toBe(
      'waiting, at most 300 s, for pods to be ready: x/a (ContainerCreating), x/b (Pending), x/c (Pending) and 1 more',
    );
  for (const name of ['a', 'b', 'c', 'd']) {
    server.objects.set(`${at}/${name}`, { metadata: { namespace: 'x', name }, status: ready('True') });
  }
  await done;
});
