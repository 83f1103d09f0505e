import { afterEach, beforeEach, expect, test } from 'vitest';
import { Cluster } from '../../src/kube/cluster.ts';
import { startCrdServer } from '../cni/support-server.ts';

let server: Awaited<ReturnType<typeof startCrdServer>>;
let cluster: Cluster;

beforeEach(async () => {
  server = await startCrdServer();
  server.serve('/apis/projectcalico.org/v3', 'felixconfigurations', 'FelixConfiguration');
  server.objects.set('/apis/projectcalico.org/v3/felixconfigurations/default', { spec: { wireguardEnabled: true } });
  cluster = Cluster.connect(server.kubeconfig);
});

afterEach(() => server.close());

const FELIX = { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', metadata: { name: 'default' } };

/** Cuts the aggregated API for some requests. */
function cutFor(count: number, how: NonNullable<ReturnType<NonNullable<typeof server.cut.by>>>) {
  let left = count;
  server.cut.by = (path) => {
    if (!path.startsWith('/apis/projectcalico.org') || left === 0) return undefined;
    left -= 1;
    return how;
  };
  return () => left;
}

// As a real API server answered while WireGuard was turned on.
const SAID: [number, string][] = [
  [503, 'service unavailable'],
  [503, 'error trying to reach service: read tcp 172.18.0.4:44588->10.96.14.221:443: read: connection reset by peer'],
  [500, 'error trying to reach service: context deadline exceeded'],
  [429, 'the server is currently unable to handle the request'],
];

test.each(SAID)('a request that the aggregated API fails with %i %s is tried again', async (status, message) => {
  const left = cutFor(3, { status, message });
  expect(await cluster.get(FELIX)).toEqual({ spec: { wireguardEnabled: true } });
  expect(left()).toBe(0);
});

test('a change is tried again after the connection broke, and what is not away is not', async () => {
  cutFor(2, 'reset');
  await cluster.patch(FELIX, { spec: { wireguardEnabled: false } });
  expect(server.objects.get('/apis/projectcalico.org/v3/felixconfigurations/default')).toEqual({
    spec: { wireguardEnabled: false },
  });
  const left = cutFor(2, { status: 403, message: 'forbidden' });
  await expect(cluster.get(FELIX)).rejects.toThrow('get FelixConfiguration default: forbidden');
  expect(left()).toBe(1);
});

test('a creation whose connection broke is not sent again, for it may have happened', async () => {
  server.objects.set('/apis/projectcalico.org/v3/felixconfigurations', {});
  await cluster.serves(FELIX.apiVersion, FELIX.kind);
  cutFor(1, 'reset');
  await expect(cluster.create({ ...FELIX, spec: {} })).rejects.toThrow('create FelixConfiguration default');
  expect(server.requests).toEqual([]);
});

test('a caller with a deadline of its own hears of the first error', async () => {
  const left = cutFor(5, { status: 503, message: 'service unavailable' });
  await expect(cluster.during({ patienceMs: 0 }).get(FELIX)).rejects.toThrow('service unavailable');
  expect(left()).toBe(4);
});

test('an API where nobody listens fails at once', async () => {
  const gone = await startCrdServer();
  const lost = Cluster.connect(gone.kubeconfig);
  const { kubeconfig } = gone;
  expect(kubeconfig).not.toBe('');
  await gone.close();
  await expect(lost.nodes()).rejects.toThrow('does not answer (ECONNREFUSED)');
});

test('a wait goes on while the API is away, and names the last error when its time is up', async () => {
  server.objects.set('/api/v1/namespaces/x/pods/p', { metadata: { name: 'p' } });
  let away = 3;
  server.cut.by = (path) => {
    if (!path.startsWith('/api/v1/pods') || away === 0) return undefined;
    away -= 1;
    return 'reset';
  };
  const wait = { timeoutMs: 20_000, describe: () => 'a pod' };
  expect(
    await cluster.until(
      '/api/v1/pods',
      (one) => one.pods(),
      (pods) => pods.length === 1,
      wait,
    ),
  ).toHaveLength(1);
  server.cut.by = () => ({ status: 503, message: 'service unavailable' });
  await expect(
    cluster.until(
      '/api/v1/pods',
      (one) => one.pods(),
      () => false,
      { timeoutMs: 50, describe: () => 'a pod' },
    ),
  ).rejects.toThrow('waited 0.05 s for a pod (last error: ');
});
