import { CoreV1Api, KubeConfig, KubernetesObjectApi, PatchStrategy, Watch } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from './support/api-lab.ts';

let lab: ApiLab;
const config = new KubeConfig();
beforeAll(async () => {
  lab = await startApiLab();
  config.loadFromFile(lab.kubeconfig);
});
afterAll(async () => {
  await lab.close();
  expect(lab.logged).toEqual([]);
});

it('lists, creates and deletes with CoreV1Api', async () => {
  const core = config.makeApiClient(CoreV1Api);
  const { items } = await core.listNode();
  expect(items.map((node) => node.metadata?.name)).toEqual(['control-plane', 'worker', 'worker2']);
  // It names neither kind nor apiVersion.
  const body = { metadata: { name: 'made' }, data: { a: 'b' } };
  const made = await core.createNamespacedConfigMap({ namespace: 'default', body });
  expect(made.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
  await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'made' });
  await expect(core.readNamespacedConfigMap({ namespace: 'default', name: 'made' })).rejects.toMatchObject({
    code: 404,
  });
});

it('creates, applies, patches and lists any kind with KubernetesObjectApi', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const felix = { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', metadata: { name: 'default' } };
  const patch = { ...felix, spec: { wireguardEnabled: true } };
  await objects.patch(patch, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
  expect(lab.store.get('FelixConfiguration', undefined, 'default')?.spec).toEqual({ wireguardEnabled: true });

  const pool = (blockSize: number) => ({
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPPool',
    metadata: { name: 'pool' },
    spec: { cidr: '192.168.0.0/16', blockSize },
  });
  const apply = (spec: object) =>
    objects.patch(spec, undefined, undefined, 'wglab', true, PatchStrategy.ServerSideApply);
  await apply(pool(26));
  await apply(pool(28));
  const read = await objects.read({ apiVersion: 'projectcalico.org/v3', kind: 'IPPool', metadata: { name: 'pool' } });
  expect(read).toMatchObject({ apiVersion: 'projectcalico.org/v3', spec: { blockSize: 28, ipipMode: 'Never' } });
  const { items } = await objects.list('v1', 'Namespace');
  expect(items.map((item) => item.metadata?.name)).toEqual(['default', 'kube-system']);
  await objects.delete(read);
  expect(lab.store.list('IPPool')).toEqual([]);
});

it('watches', async () => {
  const seen: string[] = [];
  const controller = await new Watch(config).watch(
    '/api/v1/namespaces/default/configmaps',
    {},
    (type, object) => seen.push(`${type} ${object.metadata.name}`),
    () => undefined,
  );
  lab.store.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'w', namespace: 'default' } });
  lab.store.remove('ConfigMap', 'default', 'w');
  await expect.poll(() => seen).toEqual(['ADDED w', 'DELETED w']);
  controller.abort();
});
