import { expect, test } from 'vitest';
import { readState } from '../../../../src/cni/calico/dataplane/read-state.ts';

// The output of iproute2 6.1 and wg, cut down; a real node is read in namespaces.test.ts.

const PRIVATE_KEY = 'cHJpdmF0ZSBwcml2YXRlIHByaXZhdGUgcHJpdmF0ZSE=';
const KEY = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';

const LINKS = [
  {
    ifname: 'lo',
    mtu: 65536,
    flags: ['UP'],
    address: '00:00:00:00:00:00',
    addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }],
  },
  {},
  {
    ifname: 'vxlan.calico',
    mtu: 1450,
    flags: ['BROADCAST', 'UP'],
    address: '66:01:02:03:04:05',
    linkinfo: {
      info_kind: 'vxlan',
      info_data: { id: 4096, local: '172.18.0.3', link: 'eth0', port: 4789, learning: false },
    },
    addr_info: [
      { family: 'inet', local: '192.168.3.64', prefixlen: 32 },
      { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
    ],
  },
  { ifname: 'wireguard.cali', mtu: 1440, flags: ['UP'], linkinfo: { info_kind: 'tun' }, addr_info: [] },
  { ifname: 'wg-old', mtu: 1420, flags: [], linkinfo: { info_kind: 'wireguard' } },
  { ifname: 'wg-byhand', mtu: 1420, flags: ['UP'], linkinfo: { info_kind: 'wireguard' } },
];

const WG = [
  ['wireguard.cali', PRIVATE_KEY, KEY, '51820', '0x200000'],
  ['wireguard.cali', KEY, '(none)', '172.18.0.2:51820', '192.168.2.64/26,192.168.2.64/32', '0', '0', '0', '25'],
  ['wireguard.cali', PRIVATE_KEY.replace('c', 'd'), PRIVATE_KEY, '(none)', '(none)', '0', '0', '0', 'off'],
  ['wg-old', '(none)', '(none)', '51820', '0x200000'],
  ['wg-byhand', PRIVATE_KEY, KEY, '51821', 'off'],
];

const numbers = {
  routes: [
    { type: '9', dst: '192.168.3.64/26', table: '1', protocol: '3', scope: '0', flags: [] },
    { type: '1', dst: '192.168.2.64', dev: 'wireguard.cali', table: '1', protocol: '3', scope: '253', flags: [] },
    { type: '1', dst: '172.18.0.0/16', dev: 'eth0', table: '254', protocol: '2', scope: '253', flags: [] },
    { type: '6', dst: '192.168.3.64/26', table: '254', protocol: '80', scope: '0', flags: [] },
    {
      type: '1',
      dst: '192.168.2.64/26',
      gateway: '192.168.2.64',
      dev: 'vxlan.calico',
      table: '254',
      protocol: '3',
      scope: '0',
      flags: ['onlink'],
      metrics: [{ mtu: 1450 }],
    },
    {
      type: '1',
      dst: '192.168.3.66',
      dev: 'cali0e44ac2f0ef',
      table: '254',
      protocol: '3',
      scope: '253',
      metric: 1024,
      flags: ['linkdown'],
    },
    {
      type: '1',
      dst: 'fe80::/64',
      dev: 'vxlan.calico',
      table: '254',
      protocol: '2',
      scope: '0',
      metric: 256,
      flags: [],
    },
    { type: '2', dst: '192.168.3.64', dev: 'vxlan.calico', table: '255', protocol: '2', scope: '254', flags: [] },
  ],
  rules: [
    { priority: 0, src: 'all', table: '255', protocol: '2' },
    { priority: 98, src: '1.2.3.0', srclen: 24, table: '1' },
    { priority: 99, not: null, src: 'all', fwmark: '0x200000', fwmask: '0x200000', table: '1' },
  ],
};

/** As versions print it that know no `-N`, or do not heed it. */
const names = {
  routes: numbers.routes.map((route) => {
    const word = (words: Record<string, string>, value: string) => words[value] ?? value;
    return {
      ...route,
      type: word({ 1: 'unicast', 2: 'local', 6: 'blackhole', 9: 'throw' }, route.type),
      table: word({ 254: 'main', 255: 'local' }, route.table),
      protocol: word({ 2: 'kernel', 3: 'boot' }, route.protocol),
      scope: word({ 0: 'global', 253: 'link', 254: 'host' }, route.scope),
    };
  }),
  rules: numbers.rules.map((rule) => ({ ...rule, table: rule.table === '255' ? 'local' : rule.table })),
};

function read({ routes, rules }: typeof numbers) {
  const neighbours = [{ dst: '192.168.2.64', dev: 'vxlan.calico', lladdr: '66:aa:bb:cc:dd:ee', state: ['PERMANENT'] }];
  const fdb = [
    { mac: '33:33:00:00:00:01', ifname: 'eth0', flags: ['self'], state: 'permanent' },
    { mac: '66:aa:bb:cc:dd:ee', ifname: 'vxlan.calico', dst: '172.18.0.2', flags: ['self'], state: 'permanent' },
    { mac: '66:00:00:00:00:99', ifname: 'vxlan.calico', dst: '172.18.0.9', flags: ['self'], state: '' },
  ];
  const outputs = {
    ip: [LINKS, routes, rules, neighbours].map((array) => JSON.stringify(array)).join('\n'),
    bridge: JSON.stringify(fdb),
    wg: `${WG.map((fields) => fields.join('\t')).join('\n')}\n`,
    sysctl: [
      '/proc/sys/net/ipv4/conf/vxlan.calico/proxy_arp:0',
      '/proc/sys/net/ipv4/conf/all/proxy_arp:0',
      '/proc/sys/net/ipv4/ip_forward:1',
      '',
    ].join('\n'),
  };
  return readState(outputs, ['wireguard.cali']);
}

test('what is Felix’ is read, and nothing else', () => {
  const state = read(numbers);
  const vxlan = { vni: 4096, port: 4789, local: '172.18.0.3', parent: 'eth0' };
  expect(state.links).toEqual([
    { name: 'vxlan.calico', type: 'vxlan', mtu: 1450, mac: '66:01:02:03:04:05', up: true, vxlan },
    { name: 'wireguard.cali', type: 'wireguard', mtu: 1440, up: true },
    { name: 'wg-old', type: 'wireguard', mtu: 1420, up: false },
  ]);
  expect(state.addresses).toEqual([{ device: 'vxlan.calico', address: '192.168.3.64', prefixLength: 32 }]);
  const plain = { metric: 0, onlink: false };
  expect(state.routes).toEqual([
    { table: 1, destination: '192.168.3.64/26', type: 'throw', scope: 'universe', protocol: 3, ...plain },
    {
      table: 1,
      destination: '192.168.2.64/32',
      type: 'unicast',
      device: 'wireguard.cali',
      scope: 'link',
      protocol: 3,
      ...plain,
    },
    { table: 254, destination: '192.168.3.64/26', type: 'blackhole', scope: 'universe', protocol: 80, ...plain },
    {
      ...{ table: 254, destination: '192.168.2.64/26', type: 'unicast', via: '192.168.2.64', device: 'vxlan.calico' },
      ...{ scope: 'universe', protocol: 3, metric: 0, mtu: 1450, onlink: true },
    },
    {
      ...{ table: 254, destination: '192.168.3.66/32', type: 'unicast', device: 'cali0e44ac2f0ef' },
      ...{ scope: 'link', protocol: 3, metric: 1024, onlink: false },
    },
  ]);
  expect(state.rules).toEqual([
    { priority: 98, not: false, mark: 0, mask: 0, table: 1, selector: 'src 1.2.3.0 srclen 24' },
    { priority: 99, not: true, mark: 0x200000, mask: 0x200000, table: 1 },
  ]);
  expect(state.neighbours).toEqual([{ device: 'vxlan.calico', address: '192.168.2.64', mac: '66:aa:bb:cc:dd:ee' }]);
  expect(state.fdb).toEqual([{ device: 'vxlan.calico', mac: '66:aa:bb:cc:dd:ee', destination: '172.18.0.2' }]);
  expect(state.sysctls).toEqual({ 'net/ipv4/conf/vxlan.calico/proxy_arp': '0', 'net/ipv4/ip_forward': '1' });
});

test('WireGuard devices are read without their private keys, and say who does the work', () => {
  const { wireguard } = read(numbers);
  expect(wireguard.map(({ name, dataplane, publicKey }) => ({ name, dataplane, publicKey }))).toEqual([
    { name: 'wireguard.cali', dataplane: 'userspace', publicKey: KEY },
    { name: 'wg-old', dataplane: 'kernel', publicKey: undefined },
  ]);
  expect(wireguard[0]?.peers).toEqual([
    { publicKey: KEY, endpoint: '172.18.0.2:51820', allowedIPs: ['192.168.2.64/26', '192.168.2.64/32'], keepalive: 25 },
    { publicKey: PRIVATE_KEY.replace('c', 'd'), allowedIPs: [], keepalive: 0 },
  ]);
  expect(JSON.stringify(read(numbers))).not.toContain(PRIVATE_KEY);
});

test('names for numbers read the same', () => {
  expect(read(names)).toEqual(read(numbers));
});

test('nothing at all is an empty state, and rubbish is an error that names the tool', () => {
  const nothing = { ip: '[]\n[]\n[]\n', bridge: '', wg: '', sysctl: '' };
  expect(readState(nothing, ['wireguard.cali']).links).toEqual([]);
  expect(() => readState({ ...nothing, bridge: 'Segmentation fault' }, ['wireguard.cali'])).toThrow('bridge -j fdb');
});
