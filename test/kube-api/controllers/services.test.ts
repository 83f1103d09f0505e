import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod, PodSpec, Service, ServiceSpec } from '../../../src/kube-api/controllers/kinds.ts';
import { hostsEntries, planSubsets } from '../../../src/kube-api/controllers/services.ts';
import { deploymentObject, podObject, TestCluster } from './support.ts';

function service(name: string, spec: ServiceSpec, namespace = 'default'): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
}

describe('the addresses behind a service', () => {
  const spec: ServiceSpec = { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] };
  const pod = (name: string, podIP: string | undefined, ready: boolean, rest: Partial<PodSpec> = {}): Pod => {
    const containers = [{ name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }];
    const conditions = [{ type: 'Ready', status: ready ? ('True' as const) : ('False' as const) }];
    const made = podObject(name, { nodeName: 'worker', containers, ...rest }, { labels: { app: 'web' } });
    return { ...made, status: { phase: 'Running', ...(podIP && { podIP }), conditions } };
  };

  test('are those of selected pods: ready and not ready apart, sorted, with the port that the name stands for', () => {
    const others = [{ ...pod('x', '10.0.0.9', true), metadata: { name: 'x', labels: { app: 'db' } } }];
    const subsets = planSubsets(spec, [
      pod('b', '10.0.0.2', true),
      pod('a', '10.0.0.1', true),
      pod('c', '10.0.0.3', false),
      pod('d', undefined, true),
      ...others,
    ]);
    expect(subsets).toMatchObject([
      {
        addresses: [{ ip: '10.0.0.1', nodeName: 'worker', targetRef: { kind: 'Pod', name: 'a' } }, { ip: '10.0.0.2' }],
        notReadyAddresses: [{ ip: '10.0.0.3' }],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ]);
  });

  test('pods on their way out and those that ended do not serve', () => {
    const leaving = pod('a', '10.0.0.1', true);
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    const ended = { ...pod('b', '10.0.0.2', true), status: { phase: 'Failed', podIP: '10.0.0.2' } };
    const [subset] = planSubsets(spec, [leaving, ended]);
    expect(subset?.addresses).toBeUndefined();
    expect(subset?.notReadyAddresses).toHaveLength(1);
    expect(planSubsets({ ...spec, publishNotReadyAddresses: true }, [leaving])[0]?.addresses).toHaveLength(1);
  });

  test('pods that give a port another number are a subset of their own', () => {
    const containers = [{ name: 'main', ports: [{ name: 'web', containerPort: 9090 }] }];
    const subsets = planSubsets(spec, [pod('a', '10.0.0.1', true), pod('b', '10.0.0.2', true, { containers })]);
    expect(subsets.map(({ ports }) => ports?.[0]?.port)).toEqual([8080, 9090]);
  });
});

describe('services in a cluster', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = new TestCluster();
    cluster.installCalico();
    cluster.store.create(deploymentObject('web', 2));
    await cluster.settle();
  });
  afterEach(() => cluster.stop());
  const addresses = () =>
    cluster
      .pods()
      .map(({ status }) => status?.podIP ?? '')
      .sort();

  test('names lead to the ready pods: short within the namespace, long from everywhere', async () => {
    cluster.store.create(service('web', { selector: { app: 'web' }, clusterIP: 'None', ports: [{ port: 80 }] }));
    await cluster.settle();
    const names = 'web web.default web.default.svc web.default.svc.cluster.local';
    expect(hostsEntries(cluster.store, 'default')).toEqual(addresses().map((address) => `${address} ${names}`));
    expect(hostsEntries(cluster.store, 'other')).toEqual(
      addresses().map((address) => `${address} web.default web.default.svc web.default.svc.cluster.local`),
    );
    cluster.store.modify('Deployment', 'default', 'web', ({ spec }) => {
      if (spec) spec.replicas = 0;
    });
    await cluster.settle();
    expect(hostsEntries(cluster.store, 'default')).toEqual([]);
  });

  test('a pod with hostname and subdomain has a name of its own', async () => {
    cluster.store.create(service('db', { selector: { app: 'db' }, clusterIP: 'None' }));
    cluster.store.create(podObject('db-0', { hostname: 'first', subdomain: 'db' }, { labels: { app: 'db' } }));
    await cluster.settle();
    expect(hostsEntries(cluster.store, 'default').map((line) => line.split(' ')[1])).toEqual(['db', 'first.db']);
  });

  test('a service that wants a cluster address is made headless and told so, once; a chosen address stays', async () => {
    cluster.store.create(service('plain', { selector: { app: 'web' }, ports: [{ port: 80 }] }));
    cluster.store.create(service('chosen', { type: 'NodePort', clusterIP: '10.96.0.10', selector: { app: 'web' } }));
    await cluster.settle();
    expect(cluster.get('Service', 'plain', 'default').spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'] });
    expect(cluster.get('Service', 'chosen', 'default').spec?.clusterIP).toBe('10.96.0.10');
    cluster.store.modify('Deployment', 'default', 'web', ({ spec }) => {
      if (spec) spec.replicas = 3;
    });
    await cluster.settle();
    const events = cluster.store.list('Event').filter(({ reason }) => reason === 'ClusterIPNotRouted');
    expect(events.map(({ involvedObject, count }) => [(involvedObject as { name: string }).name, count])).toEqual([
      ['chosen', 1],
      ['plain', 1],
    ]);
  });

  test('EndpointSlices say the same, and both go with their service; endpoints that a user wrote stay', async () => {
    cluster.store.create(service('web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }));
    cluster.store.create(service('outside', { ports: [{ port: 80 }] }));
    cluster.store.create({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'outside', namespace: 'default' } });
    await cluster.settle();
    expect(cluster.store.list('EndpointSlice')).toMatchObject([
      {
        metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [{ conditions: { ready: true } }, {}],
        ports: [{ port: 8080 }],
      },
    ]);
    cluster.store.remove('Service', 'default', 'web');
    cluster.store.remove('Service', 'default', 'outside');
    await cluster.settle();
    expect(cluster.store.list('EndpointSlice')).toEqual([]);
    expect(cluster.store.list('Endpoints').map(({ metadata }) => metadata.name)).toEqual(['outside']);
  });
});
