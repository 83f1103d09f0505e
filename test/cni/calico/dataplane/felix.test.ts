import fc from 'fast-check';
import { expect, test } from 'vitest';
import { desiredState } from '../../../../src/cni/calico/dataplane/felix.ts';
import { podMtu } from '../../../../src/cni/calico/dataplane/mtu.ts';
import type { ClusterView, FamilyView, NodeState, NodeView } from '../../../../src/cni/calico/dataplane/types.ts';
import { hostInterfaceName } from '../../../../src/cni/calico/dataplane/workloads.ts';
import { dualView, key, labView, pod } from './clusters.ts';

// The numbers are those of Calico 3.32's Felix.

const WORKER = 'wireguard-worker';
const on = labView({}, true);

/** The view with one node changed. */
function with_(view: ClusterView, index: number, change: Partial<NodeView>): ClusterView {
  return { ...view, nodes: view.nodes.map((node, at) => (at === index ? { ...node, ...change } : node)) };
}

const table = (state: NodeState, number: number) =>
  state.routes
    .filter((route) => route.table === number)
    .map(({ type, destination, via, device, scope, protocol, metric, mtu, onlink }) =>
      [type, destination, via, device, scope, protocol, metric, mtu, onlink ? 'onlink' : '']
        .join(' ')
        .replace(/ +/g, ' ')
        .trim(),
    );

test('VXLAN: device, address, where the others are, and the main table', () => {
  const state = desiredState(labView(), WORKER);
  expect(state.links[0]).toEqual({
    name: 'vxlan.calico',
    type: 'vxlan',
    mtu: 1450,
    // 66 and the first five bytes of `printf wireguard-worker | sha1sum`.
    mac: '66:f0:0b:34:78:37',
    up: true,
    vxlan: { vni: 4096, port: 4789, local: '172.18.0.3', parent: 'eth0' },
  });
  expect(state.addresses).toEqual([{ device: 'vxlan.calico', address: '192.168.3.64', prefixLength: 32 }]);
  expect(state.neighbours).toContainEqual({
    device: 'vxlan.calico',
    address: '192.168.4.64',
    mac: '66:2e:dd:1f:e6:fa',
  });
  expect(state.fdb).toContainEqual({ device: 'vxlan.calico', mac: '66:2e:dd:1f:e6:fa', destination: '172.18.0.4' });
  expect(table(state, 254).sort()).toEqual([
    'blackhole 192.168.3.64/26 universe 80 0',
    'unicast 192.168.2.64/26 192.168.2.64 vxlan.calico universe 3 0 1450 onlink',
    `unicast 192.168.3.66/32 ${hostInterfaceName('default', 'pod-3')} link 3 1024`,
    'unicast 192.168.4.64/26 192.168.4.64 vxlan.calico universe 3 0 1450 onlink',
  ]);
  expect([state.rules, state.wireguard, table(state, 1)]).toEqual([[], [], []]);
});

test('WireGuard: device next to an unchanged VXLAN, mark, rule, table 1 and allowed IPs', () => {
  const state = desiredState(on, WORKER);
  expect(state.links.map(({ name, mtu }) => `${name} ${mtu}`).slice(0, 2)).toEqual([
    'vxlan.calico 1450',
    'wireguard.cali 1440',
  ]);
  expect(state.rules).toEqual([{ priority: 99, not: true, mark: 0x200000, mask: 0x200000, table: 1 }]);
  expect(table(state, 254).sort()).toEqual(table(desiredState(labView(), WORKER), 254).sort());
  expect(state.wireguard).toEqual([
    {
      name: 'wireguard.cali',
      listenPort: 51820,
      mark: 0x200000,
      peers: [
        {
          publicKey: key(2),
          endpoint: '172.18.0.2:51820',
          allowedIPs: ['192.168.2.64/26', '192.168.2.64/32', '192.168.2.65/32'],
          keepalive: 0,
        },
        {
          publicKey: key(4),
          endpoint: '172.18.0.4:51820',
          allowedIPs: ['192.168.4.64/26', '192.168.4.64/32', '192.168.4.65/32'],
          keepalive: 0,
        },
      ],
    },
  ]);
});

test.each<[string, Partial<NodeView>]>([
  ['has no key yet', { wireguardPublicKey: undefined }],
  ['has a key of zeros', { wireguardPublicKey: key(0) }],
  ['has something else for a key', { wireguardPublicKey: 'key=' }],
])('a node that %s is no peer: its networks are thrown back to main', (_, change) => {
  const state = desiredState(with_(on, 2, change), WORKER);
  expect(state.wireguard[0]?.peers.map((peer) => peer.publicKey)).toEqual([key(2)]);
  expect(table(state, 1)).toEqual(
    expect.arrayContaining(['throw 192.168.4.64/26 universe 3 0', 'throw 192.168.4.64/32 universe 3 0']),
  );
});

test('a key that two nodes claim is nobody’s, and neither is one that this node has too', () => {
  expect(desiredState(with_(on, 2, { wireguardPublicKey: key(2) }), WORKER).wireguard[0]?.peers).toEqual([]);
  const stolen = desiredState(with_(on, 2, { wireguardPublicKey: key(3) }), WORKER);
  expect(stolen.wireguard[0]?.peers.map((peer) => peer.publicKey)).toEqual([key(2)]);
});

test('a node where WireGuard is off has nothing of it, whatever the others do', () => {
  const state = desiredState(with_(on, 1, { wireguardEnabled: false }), WORKER);
  expect([state.rules, state.wireguard, table(state, 1), state.links.length]).toEqual([[], [], [], 2]);
});

test('addresses outside a node’s blocks have ways of their own', () => {
  const far = with_(on, 2, {
    blocks: ['192.168.4.64/26', '192.168.9.1/32'],
    vxlanTunnelAddress: '192.168.9.1',
    wireguardAddress: '192.168.9.2',
    pods: [pod('pod-4', '192.168.4.66'), pod('borrowed', '192.168.2.99')],
  });
  const state = desiredState(far, WORKER);
  expect(table(state, 254)).toEqual(
    expect.arrayContaining([
      'unicast 192.168.4.64/26 192.168.9.1 vxlan.calico universe 3 0 1450 onlink',
      'unicast 192.168.9.1/32 vxlan.calico link 3 0 1450',
      'unicast 192.168.9.2/32 vxlan.calico link 3 0 1450',
      'unicast 192.168.2.99/32 192.168.9.1 vxlan.calico universe 3 0 1450 onlink',
    ]),
  );
  expect(state.wireguard[0]?.peers[1]?.allowedIPs).toEqual([
    '192.168.4.64/26',
    '192.168.9.1/32',
    '192.168.9.2/32',
    '192.168.2.99/32',
  ]);
  const own = desiredState(far, 'wireguard-worker2');
  expect(table(own, 1).filter((route) => route.startsWith('throw'))).toEqual(
    ['192.168.4.64/26', '192.168.9.1/32', '192.168.9.2/32', '192.168.2.99/32'].map(
      (cidr) => `throw ${cidr} universe 3 0`,
    ),
  );
  // A block of one address gets no blackhole.
  expect(table(own, 254).filter((route) => route.startsWith('blackhole'))).toEqual([
    'blackhole 192.168.4.64/26 universe 80 0',
  ]);
});

test('without encapsulation there is no tunnel device, and routes go over the wire', () => {
  const state = desiredState(labView({ encapsulation: 'None' }), WORKER);
  expect(state.links.map((link) => link.type)).toEqual(['veth']);
  expect(table(state, 254)).toContain('unicast 192.168.4.64/26 172.18.0.4 eth0 universe 80 0 onlink');
});

test('pods get the least MTU among what is on', () => {
  expect(podMtu(labView())).toBe(1450);
  expect(podMtu(on)).toBe(1440);
  expect(podMtu(with_(on, 1, { wireguardEnabled: false }), WORKER)).toBe(1450);
  expect(podMtu({ ...on, encapsulation: 'None', felix: { ...on.felix, wireguardMTU: 1300 } })).toBe(1300);
  expect(podMtu(labView({ encapsulation: 'None' }))).toBe(1500);
  expect(podMtu({ ...on, hostMtu: 1400 })).toBe(1340);
  expect(podMtu(labView({ hostMtu: 1400, felix: { ...on.felix, wireguardEnabled: false, vxlanMTU: 9000 } }))).toBe(
    1400,
  );
});

test('IPv6: devices, marks, rule, table and ports of its own next to an unchanged IPv4', () => {
  const dual = dualView(true);
  const state = desiredState(dual, WORKER);
  const four = desiredState({ ...dual, ipv6: undefined }, WORKER);
  for (const part of ['addresses', 'routes', 'rules', 'neighbours', 'fdb', 'wireguard'] as const) {
    expect(state[part].slice(0, four[part].length)).toEqual(four[part]);
  }
  expect(state.links.map(({ name, mtu, mac }) => [name, mtu, mac].join(' ').trim())).toEqual([
    'vxlan.calico 1450 66:f0:0b:34:78:37',
    'wireguard.cali 1440',
    // 66 and the first five bytes of `printf wireguard-worker-v6 | sha1sum`.
    'vxlan-v6.calico 1430 66:8a:ce:97:92:ca',
    'wg-v6.cali 1420',
    `${hostInterfaceName('default', 'pod-3')} 1420 ee:ee:ee:ee:ee:ee`,
  ]);
  const { links } = desiredState(dual, WORKER);
  expect(links.find(({ name }) => name === 'vxlan-v6.calico')?.vxlan?.local).toBe('fc00:f853:ccd:e793::3');
  expect(state.rules).toEqual([
    { priority: 99, not: true, mark: 0x200000, mask: 0x200000, table: 1 },
    { family: 6, priority: 99, not: true, mark: 0x200000, mask: 0x200000, table: 1 },
  ]);
  const ofIpv6 = (number: number) => table(state, number).filter((route) => route.includes('fd00:'));
  expect(ofIpv6(254).sort()).toEqual([
    'blackhole fd00:10:244::c0a8:340/122 universe 80 1024',
    'unicast fd00:10:244::c0a8:240/122 fd00:10:244::c0a8:240 vxlan-v6.calico universe 3 1024 1430 onlink',
    `unicast fd00:10:244::c0a8:342/128 ${hostInterfaceName('default', 'pod-3')} universe 3 1024`,
    'unicast fd00:10:244::c0a8:440/122 fd00:10:244::c0a8:440 vxlan-v6.calico universe 3 1024 1430 onlink',
  ]);
  expect(ofIpv6(1).slice(0, 2)).toEqual([
    'throw fd00:10:244::c0a8:340/122 universe 3 1024',
    'unicast fd00:10:244::c0a8:240/122 wg-v6.cali universe 3 1024',
  ]);
  expect(state.wireguard[1]).toMatchObject({ name: 'wg-v6.cali', listenPort: 51821, mark: 0x200000 });
  expect(state.wireguard[1]?.peers[0]).toEqual({
    publicKey: key(2),
    endpoint: '[fc00:f853:ccd:e793::2]:51821',
    allowedIPs: ['fd00:10:244::c0a8:240/122', 'fd00:10:244::c0a8:240/128', 'fd00:10:244::c0a8:241/128'],
    keepalive: 0,
  });
});

test('each family has its own switch', () => {
  const dual = dualView(true);
  const only = (change: Partial<NodeView>, where: 'ipv4' | 'ipv6') => {
    const nodes = (view: FamilyView) => view.nodes.map((node) => ({ ...node, ...change }));
    const ipv6 = dual.ipv6 && { ...dual.ipv6, nodes: nodes(dual.ipv6) };
    return desiredState(where === 'ipv4' ? { ...dual, nodes: nodes(dual) } : { ...dual, ipv6 }, WORKER);
  };
  expect(only({ wireguardEnabled: false }, 'ipv4').wireguard.map(({ name }) => name)).toEqual(['wg-v6.cali']);
  expect(only({ wireguardEnabled: false }, 'ipv6').wireguard.map(({ name }) => name)).toEqual(['wireguard.cali']);
  expect(only({ wireguardEnabled: false }, 'ipv6').rules.map(({ family = 4 }) => family)).toEqual([4]);
});

test('names of the pods’ interfaces are Calico’s', () => {
  // printf default.frontend | sha1sum | cut -c1-11
  expect(hostInterfaceName('default', 'frontend')).toBe('cali9b723216629');
  fc.assert(
    fc.property(fc.string(), fc.string(), (namespace, name) =>
      /^cali[0-9a-f]{11}$/.test(hostInterfaceName(namespace, name)),
    ),
  );
});
