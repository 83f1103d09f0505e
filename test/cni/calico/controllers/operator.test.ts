import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isCalicoNode } from '../../../../src/cni/calico/controllers/calico-node.ts';
import { planPools } from '../../../../src/cni/calico/controllers/installation.ts';
import type { StatusWithConditions } from '../../../../src/cni/calico/controllers/kinds.ts';
import { conditionOf } from '../../../../src/kube-api/controllers/conditions.ts';
import type { Node } from '../../../../src/kube-api/controllers/kinds.ts';
import { holds } from '../../../../src/net/families.ts';
import { nodesOf, podObject, TestCluster } from '../../../kube-api/controllers/support.ts';

const VXLAN = { cidr: '192.168.0.0/16', encapsulation: 'VXLAN' };
const WIREGUARD_KEY = 'projectcalico.org/WireguardPublicKey';
const WIREGUARD_ADDRESS = 'projectcalico.org/IPv4WireguardInterfaceAddr';
const VXLAN_ADDRESS = 'projectcalico.org/IPv4VXLANTunnelAddr';

let cluster: TestCluster;
const node = (name: string): Node => cluster.get('Node', name);
const taints = (name: string) => node(name).spec?.taints?.map(({ key }) => key) ?? [];
const statusOf = (kind: 'Installation' | 'TigeraStatus', name: string, type: string) =>
  conditionOf((cluster.get(kind, name).status as StatusWithConditions)?.conditions, type);

beforeEach(() => {
  cluster = new TestCluster();
});
afterEach(() => cluster.stop());

test('a fresh cluster waits for its network', async () => {
  await cluster.settle();
  for (const name of ['control-plane', 'worker', 'worker2']) {
    expect(conditionOf(node(name).status?.conditions, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message: expect.stringMatching(/^container runtime network not ready: .*cni plugin not initialized$/),
    });
    expect(taints(name)).toContain('node.kubernetes.io/not-ready');
  }
  expect(node('control-plane').metadata.labels).toMatchObject({
    'kubernetes.io/hostname': 'control-plane',
    'node-role.kubernetes.io/control-plane': '',
  });
  expect(node('worker').metadata.labels).not.toHaveProperty(['node-role.kubernetes.io/control-plane']);
  expect(cluster.store.list('ServiceAccount')).toHaveLength(cluster.store.list('Namespace').length);
  cluster.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'nc' } });
  await cluster.settle();
  expect(cluster.store.get('ServiceAccount', 'nc', 'default')).toBeDefined();
});

describe('an Installation', () => {
  test('makes pool, FelixConfiguration, affinities and addresses, and the nodes Ready', async () => {
    cluster.installCalico();
    await cluster.settle();
    expect(cluster.get('IPPool', 'default-ipv4-ippool')).toMatchObject({
      apiVersion: 'crd.projectcalico.org/v1',
      spec: {
        cidr: '192.168.0.0/16',
        blockSize: 26,
        vxlanMode: 'Always',
        ipipMode: 'Never',
        natOutgoing: true,
        nodeSelector: 'all()',
      },
    });
    expect(cluster.get('FelixConfiguration', 'default').spec).not.toHaveProperty('wireguardEnabled');
    const affinities = cluster.store.list('BlockAffinity');
    expect(affinities).toHaveLength(3);
    for (const { metadata, spec } of affinities) {
      const { cidr, node: owner, ...rest } = spec as { cidr: string; node: string };
      expect(rest).toEqual({ state: 'confirmed', deleted: 'false' });
      expect(metadata.name).toBe(`${owner}-${cidr.replaceAll(/[./]/g, '-')}`);
      expect(cluster.ipam.blocksOf(owner)).toEqual([cidr]);
      expect(node(owner).metadata.annotations?.[VXLAN_ADDRESS]).toBe(cidr.split('/')[0]);
    }
    expect(node('worker').metadata.annotations).toMatchObject({ 'projectcalico.org/IPv4Address': '172.18.0.3/16' });
    expect(taints('worker')).toEqual([]);
    expect(taints('control-plane')).toEqual(['node-role.kubernetes.io/control-plane']);
    expect(conditionOf(node('worker').status?.conditions, 'Ready')).toMatchObject({
      status: 'True',
      reason: 'KubeletReady',
    });
    expect(statusOf('TigeraStatus', 'calico', 'Available')?.status).toBe('True');
    expect(statusOf('Installation', 'default', 'Degraded')?.status).toBe('False');
  });

  test('keeps a FelixConfiguration that was there before', async () => {
    const spec = { wireguardEnabled: true };
    cluster.store.create({
      apiVersion: 'crd.projectcalico.org/v1',
      kind: 'FelixConfiguration',
      metadata: { name: 'default' },
      spec,
    });
    cluster.installCalico();
    await cluster.settle();
    expect(cluster.get('FelixConfiguration', 'default').spec).toEqual(spec);
  });

  test('gives its pool back its spec, and new blocks their affinity', async () => {
    cluster.installCalico({ blockSize: 30 });
    await cluster.settle();
    cluster.store.modify('IPPool', undefined, 'default-ipv4-ippool', ({ spec }) => {
      if (spec) spec.vxlanMode = 'Never';
    });
    await cluster.settle();
    for (let index = 0; index < 4; index += 1) cluster.store.create(podObject(`p${index}`, { nodeName: 'worker' }));
    await cluster.settle();
    expect(cluster.get('IPPool', 'default-ipv4-ippool').spec?.vxlanMode).toBe('Always');
    expect(cluster.ipam.blocksOf('worker')).toHaveLength(2);
    expect(cluster.store.list('BlockAffinity')).toHaveLength(4);
  });

  test('forgets a node that is removed', async () => {
    cluster.installCalico();
    await cluster.settle();
    cluster.store.remove('Node', undefined, 'worker2');
    await cluster.settle();
    expect(cluster.store.list('BlockAffinity').map(({ spec }) => spec?.node)).toEqual(['control-plane', 'worker']);
    expect(cluster.ipam.blocksOf('worker2')).toEqual([]);
  });

  test('that cannot be carried out says why, leaves the nodes as they are, and can be fixed', async () => {
    cluster.installCalico({ encapsulation: 'IPIP' });
    await cluster.settle();
    expect(statusOf('Installation', 'default', 'Degraded')).toMatchObject({
      status: 'True',
      message: expect.stringContaining('IPIP'),
    });
    expect(statusOf('TigeraStatus', 'calico', 'Degraded')?.status).toBe('True');
    expect(statusOf('TigeraStatus', 'calico', 'Available')?.status).toBe('False');
    expect(cluster.store.list('IPPool')).toEqual([]);
    expect(taints('worker')).toEqual(['node.kubernetes.io/not-ready']);
    cluster.store.modify('Installation', undefined, 'default', (object) => {
      object.spec = { calicoNetwork: { ipPools: [VXLAN] } };
    });
    await cluster.settle();
    expect(statusOf('TigeraStatus', 'calico', 'Available')?.status).toBe('True');
    expect(taints('worker')).toEqual([]);
  });

  test('with a pool that is too small leaves the node that got nothing unready', async () => {
    cluster.installCalico({ cidr: '192.168.0.0/31', blockSize: 32 });
    await cluster.settle();
    expect(statusOf('TigeraStatus', 'calico', 'Degraded')).toMatchObject({
      status: 'True',
      message: expect.stringContaining('no address is left'),
    });
    expect(taints('worker2')).toEqual(['node.kubernetes.io/not-ready']);
  });

  test('cannot move to another pool while this one is in use', async () => {
    cluster.installCalico();
    await cluster.settle();
    cluster.store.modify('Installation', undefined, 'default', (object) => {
      object.spec = { calicoNetwork: { ipPools: [{ ...VXLAN, cidr: '10.244.0.0/16' }] } };
    });
    await cluster.settle();
    expect(statusOf('Installation', 'default', 'Degraded')?.message).toContain('in use');
    expect(cluster.get('IPPool', 'default-ipv4-ippool').spec?.cidr).toBe('192.168.0.0/16');
  });

  test('does not make a node Ready that is unready for another reason', async () => {
    await cluster.settle();
    cluster.store.modify('Node', undefined, 'worker', (object) => {
      object.status = {
        ...object.status,
        conditions: [{ type: 'Ready', status: 'False', message: 'its namespace died' }],
      };
    });
    cluster.installCalico();
    await cluster.settle();
    expect(taints('worker')).toEqual(['node.kubernetes.io/not-ready']);
    expect(taints('worker2')).toEqual([]);
  });
});

test('a WireGuard key gets the node a tunnel address, for as long as it is there', async () => {
  cluster.installCalico();
  await cluster.settle();
  const setKey = (key: string | undefined) =>
    cluster.store.modify('Node', undefined, 'worker', ({ metadata }) => {
      const { [WIREGUARD_KEY]: _, ...others } = metadata.annotations ?? {};
      metadata.annotations = key === undefined ? others : { ...others, [WIREGUARD_KEY]: key };
    });
  setKey('key');
  await cluster.settle();
  const address = node('worker').metadata.annotations?.[WIREGUARD_ADDRESS] ?? '';
  expect(cluster.ipam.addressOf('wireguard-tunnel-addr-worker')).toBe(address);
  expect(holds(cluster.ipam.blocksOf('worker')[0] ?? '', address)).toBe(true);
  setKey('another key');
  await cluster.settle();
  expect(node('worker').metadata.annotations?.[WIREGUARD_ADDRESS]).toBe(address);
  setKey(undefined);
  await cluster.settle();
  expect(node('worker').metadata.annotations).not.toHaveProperty([WIREGUARD_ADDRESS]);
  expect(cluster.ipam.addressOf('wireguard-tunnel-addr-worker')).toBeUndefined();
  expect(node('worker2').metadata.annotations).not.toHaveProperty([WIREGUARD_ADDRESS]);
});

test.each([
  ['no pools', [], 'has no IPv4 pool'],
  ['two pools', [VXLAN, VXLAN], 'more than one IPv4 pool'],
  ['IPv6 where the nodes have none', [VXLAN, { ...VXLAN, cidr: 'fd00::/64' }], 'the nodes have no IPv6 addresses'],
  ['no CIDR', [{ encapsulation: 'VXLAN' }], 'not an IPv4 network'],
  ['a CIDR with host bits', [{ ...VXLAN, cidr: '192.168.1.0/16' }], 'not an IPv4 network'],
  ['IPIP by default', [{ cidr: '192.168.0.0/16' }], 'IPIP, the default, is not supported; set encapsulation: VXLAN'],
  ['no encapsulation', [{ ...VXLAN, encapsulation: 'None' }], 'encapsulation None is not supported'],
  ['a name that objects have', [{ ...VXLAN, encapsulation: 'constructor' }], 'is not supported'],
  ['some nodes', [{ ...VXLAN, nodeSelector: 'has(x)' }], 'only all() is'],
  ['a wrong natOutgoing', [{ ...VXLAN, natOutgoing: 'yes' }], 'natOutgoing is "yes"'],
  ["the nodes' own network", [{ ...VXLAN, cidr: '172.18.0.0/16' }], 'contains 172.18.0.3'],
])('a pool with %s is refused', (_, ipPools, message) => {
  expect(planPools({ calicoNetwork: { ipPools } }, ['172.18.0.3'])).toMatchObject({
    message: expect.stringContaining(message),
  });
});

test('VXLANCrossSubnet is accepted as what it is', () => {
  const ipPools = [{ ...VXLAN, encapsulation: 'VXLANCrossSubnet', name: 'mine', natOutgoing: 'Disabled' }];
  expect(planPools({ calicoNetwork: { ipPools } }, [])).toMatchObject([
    { name: 'mine', spec: { vxlanMode: 'CrossSubnet', natOutgoing: false } },
  ]);
});

test('a pool of each family is two pools, IPv4 first, with the defaults of the operator', () => {
  const ipPools = [{ cidr: 'fd00:10:244::/56', encapsulation: 'VXLAN' }, VXLAN];
  expect(planPools({ calicoNetwork: { ipPools } }, ['172.18.0.3', 'fc00:f853:ccd:e793::3'])).toMatchObject([
    { name: 'default-ipv4-ippool', spec: { blockSize: 26, natOutgoing: true } },
    { name: 'default-ipv6-ippool', spec: { blockSize: 122, natOutgoing: false, vxlanMode: 'Always' } },
  ]);
  const two = [...ipPools, { ...ipPools[0], cidr: 'fd01::/64' }];
  expect(planPools({ calicoNetwork: { ipPools: two } }, ['fc00::3'])).toMatchObject({
    message: expect.stringContaining('more than one IPv6 pool'),
  });
});

test('a cluster of both families publishes addresses of both, each for its own key', async () => {
  cluster.stop();
  cluster = new TestCluster(nodesOf(1).map((node, i) => ({ ...node, address6: `fc00:f853:ccd:e793::${i + 2}` })));
  cluster.store.create({
    apiVersion: 'operator.tigera.io/v1',
    kind: 'Installation',
    metadata: { name: 'default' },
    spec: { calicoNetwork: { ipPools: [VXLAN, { cidr: 'fd00:10:244::/56', encapsulation: 'VXLAN' }] } },
  });
  cluster.store.modify('Node', undefined, 'worker', ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, 'projectcalico.org/WireguardPublicKeyV6': 'key' };
  });
  await cluster.settle();
  const annotations = node('worker').metadata.annotations ?? {};
  expect(annotations).toMatchObject({
    'projectcalico.org/IPv4Address': '172.18.0.3/16',
    'projectcalico.org/IPv6Address': 'fc00:f853:ccd:e793::3/64',
    'projectcalico.org/IPv6VXLANTunnelAddr': expect.stringMatching(/^fd00:10:244:/),
    'projectcalico.org/IPv6WireguardInterfaceAddr': expect.stringMatching(/^fd00:10:244:/),
  });
  expect(annotations).not.toHaveProperty([WIREGUARD_ADDRESS]);
  const affinities = cluster.store.list('BlockAffinity').map(({ spec }) => String(spec?.cidr));
  expect(affinities.filter((cidr) => holds('fd00:10:244::/56', cidr.replace(/\/.*/, '')))).toHaveLength(2);
  expect(cluster.store.list('IPPool').map(({ metadata }) => metadata.name)).toEqual([
    'default-ipv4-ippool',
    'default-ipv6-ippool',
  ]);
});

describe('calico-node', () => {
  test('is on every node once Calico is installed, also on one that takes nothing else, and comes back', async () => {
    const pods = () => cluster.pods({ 'k8s-app': 'calico-node' });
    cluster.store.modify('Node', undefined, 'worker', (object) => {
      object.spec = { ...object.spec, taints: [{ key: 'mine', effect: 'NoSchedule' }] };
    });
    await cluster.settle();
    expect(pods()).toEqual([]);
    cluster.installCalico();
    await cluster.settle();
    const first = pods();
    expect(first.map(({ spec }) => spec?.nodeName).sort()).toEqual(['control-plane', 'worker', 'worker2']);
    cluster.store.remove('DaemonSet', 'calico-system', 'calico-node');
    for (const { metadata } of first) cluster.store.remove('Pod', metadata.namespace, metadata.name);
    await cluster.settle();
    expect(pods()).toHaveLength(3);
  });

  test('is a pod that its DaemonSet made, and no other', () => {
    const labels = { 'k8s-app': 'calico-node' };
    expect(isCalicoNode(podObject('calico-node-x', {}, { namespace: 'calico-system', labels }))).toBe(false);
  });
});
