import { expect, test } from 'vitest';
import { brokenLink, diagnose, type NodeFindings } from '../../../src/cni/calico/diagnosis.ts';
import { IPV6 } from '../../../src/cni/calico/families.ts';

const names = ['a', 'b', 'c'];

/** Three nodes between which everything is as Calico makes it. */
function healthy(): NodeFindings[] {
  const nodes = names.map(
    (name, i): NodeFindings => ({
      name,
      address: `172.18.0.${i + 2}`,
      vxlanAddress: `192.168.${i}.0`,
      wireguardAddress: `192.168.${i}.9`,
      publicKey: `key of ${name}`,
      wireguard: 'kernel',
      kernel: '6.1.0',
      felix: { enabled: true, by: 'default', interface: 'wireguard.cali', port: 51820, priority: 99 },
      underlayMtu: 1500,
      blocks: [`192.168.${i}.0/26`],
      dropping: [],
      portBy: 'default',
      detours: [],
    }),
  );
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    node.device = {
      up: true,
      publicKey: node.publicKey ?? '',
      listenPort: 51820,
      mark: '0x200000',
      mtu: 1440,
      addresses: [`${node.wireguardAddress}/32`],
      rule: 99,
      routes: others.flatMap((other) => [...other.blocks, other.vxlanAddress ?? '', other.wireguardAddress ?? '']),
      peers: others.map((other) => ({
        publicKey: other.publicKey ?? '',
        endpoint: `${other.address}:51820`,
        allowedIPs: [...other.blocks, `${other.vxlanAddress}/32`, `${other.wireguardAddress}/32`],
        latestHandshake: 1_700_000_000,
        rx: 1,
        tx: 1,
      })),
    };
  }
  return nodes;
}

type Break = (node: NodeFindings & { device: NonNullable<NodeFindings['device']> }) => void;

test('a healthy cluster has no broken link', () => {
  expect(brokenLink(diagnose(healthy()))).toBeUndefined();
});

/** The same for IPv6, with addresses that are not all written in the same way. */
function healthyIpv6(): NodeFindings[] {
  const nodes = names.map(
    (name, i): NodeFindings => ({
      name,
      address: `fc00::${i + 2}`,
      vxlanAddress: `fd00:10:244:${i}::`,
      wireguardAddress: `fd00:10:244:${i}::9`,
      publicKey: `key of ${name}`,
      wireguard: 'kernel',
      kernel: '6.1.0',
      felix: { enabled: true, by: 'default', interface: 'wg-v6.cali', port: 51821, priority: 99 },
      underlayMtu: 1500,
      blocks: [`fd00:10:244:${i}:0:0:0:0/122`],
      dropping: [],
      portBy: 'default',
      detours: [],
    }),
  );
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    const block = (other: NodeFindings) => `fd00:10:244:${names.indexOf(other.name)}::/122`;
    node.device = {
      up: true,
      publicKey: node.publicKey ?? '',
      listenPort: 51821,
      mark: '0x200000',
      mtu: 1420,
      addresses: [`${node.wireguardAddress}/128`],
      rule: 99,
      routes: others.flatMap((other) => [block(other), other.vxlanAddress ?? '', other.wireguardAddress ?? '']),
      peers: others.map((other) => ({
        publicKey: other.publicKey ?? '',
        endpoint: `[${other.address}]:51821`,
        allowedIPs: [block(other), `${other.vxlanAddress}/128`, `${other.wireguardAddress}/128`],
        latestHandshake: 1_700_000_000,
        rx: 1,
        tx: 1,
      })),
    };
  }
  return nodes;
}

test('IPv6 has the same chain but for the kernel, under a name of its own', () => {
  const findings = diagnose(healthyIpv6(), IPV6);
  expect(brokenLink(findings)).toBeUndefined();
  const links = diagnose(healthy()).flatMap(({ check }) => (check === 'kernel' ? [] : [`IPv6 ${check}`]));
  expect(findings.map(({ check }) => check)).toEqual(links);
});

test.each<[string, string, string, Break]>([
  [
    ...(['felix configuration', 'wireguardEnabledV6: false', 'wglab encrypt on'] as const),
    (node) => Object.assign(node.felix, { enabled: false }),
  ],
  ['device', 'no device wg-v6.cali', 'logs', (node) => Object.assign(node, { device: undefined })],
  ['address', 'no address', 'ip -6 address add fd00:10:244:1::9/128', (node) => node.device.addresses.pop()],
  ['public key', 'published is none', 'calico-node', (node) => Object.assign(node, { publicKey: undefined })],
  ['peers', 'may not send from fd00:10:244:0:0:0:0:0/122', 'wg', (node) => node.device.peers[0]?.allowedIPs.shift()],
  [
    ...(['peers', 'sought at [fc00::77]:51821, not at [fc00::2]:51821', 'wg'] as const),
    (node) => Object.assign(node.device.peers[0] ?? {}, { endpoint: '[fc00::77]:51821' }),
  ],
  ['rule', 'no rule', 'ip -6 rule add pref 99', (node) => Object.assign(node.device, { rule: undefined })],
  ['routes', 'no route to fd00:10:244:0', 'ip -6 route add', (node) => node.device.routes.shift()],
  [
    ...(['firewall', 'DROP', 'ip6tables -t filter -D INPUT'] as const),
    (node) => node.dropping.push('ip6tables -t filter -A INPUT -p udp --dport 51821 -j DROP'),
  ],
  [
    'mtu',
    'wg-v6.cali 1440',
    'wireguardMTUV6 in FelixConfiguration',
    (node) => Object.assign(node.device, { mtu: 1440 }),
  ],
])('a broken IPv6 %s is named, with what was seen (%s) and what to do (%s)', (check, seen, remedy, damage) => {
  const nodes = healthyIpv6();
  damage(nodes[1] as Parameters<Break>[0]);
  const broken = brokenLink(diagnose(nodes, IPV6).filter(({ node }) => node === 'b'));
  expect(broken).toMatchObject({ check: `IPv6 ${check}`, ok: false, seen: expect.stringContaining(seen) });
  expect(broken?.remedy).toContain(remedy);
});

test.each<[string, string, Break]>([
  ['kernel', 'no WireGuard', (node) => Object.assign(node, { wireguard: 'none', device: undefined })],
  ['felix configuration', 'node.b', (node) => Object.assign(node.felix, { enabled: false, by: 'node.b' })],
  ['device', 'is down', (node) => Object.assign(node.device, { up: false })],
  ['device', 'no device wireguard.cali', (node) => Object.assign(node, { device: undefined })],
  ['address', 'no address', (node) => Object.assign(node.device, { addresses: [] })],
  ['public key', 'published is none', (node) => Object.assign(node, { publicKey: undefined })],
  [
    'public key',
    'the same key as a',
    (node) => {
      node.publicKey = 'key of a';
      node.device.publicKey = 'key of a';
    },
  ],
  ['peers', 'a is no peer', (node) => node.device.peers.shift()],
  ['peers', 'sought at', (node) => Object.assign(node.device.peers[0] ?? {}, { endpoint: '10.0.0.1:51820' })],
  ['peers', 'may not send from 192.168.0.0/26', (node) => node.device.peers[0]?.allowedIPs.shift()],
  ['handshakes', 'none yet with a', (node) => Object.assign(node.device.peers[0] ?? {}, { latestHandshake: 0 })],
  [
    'rule',
    'no rule leads to table 1',
    (node) => {
      delete node.device.rule;
    },
  ],
  ['rule', 'first: 42: from all lookup main', (node) => node.detours.push('42: from all lookup main')],
  ['port', 'listens on 51999', (node) => Object.assign(node.device, { listenPort: 51999 })],
  [
    'port',
    'node.b says 51999',
    (node) => {
      node.device.listenPort = 51999;
      node.felix.port = 51999;
      node.portBy = 'node.b';
    },
  ],
  ['routes', 'no route to 192.168.0.0/26', (node) => node.device.routes.shift()],
  ['firewall', 'DROP', (node) => node.dropping.push('-A INPUT -p udp --dport 51820 -j DROP')],
  ['mtu', 'wireguard.cali 1480, underlay 1500', (node) => Object.assign(node.device, { mtu: 1480 })],
  ['mtu', 'wireguard.cali 1440, underlay 1400', (node) => Object.assign(node, { underlayMtu: 1400 })],
])('a broken %s is named on its node, with what was seen (%s) and a remedy', (check, seen, damage) => {
  const nodes = healthy();
  const [, b] = nodes;
  damage(b as Parameters<Break>[0]);
  const own = diagnose(nodes).filter(({ node }) => node === 'b');
  const broken = brokenLink(own);
  expect(broken).toMatchObject({ check, node: 'b', ok: false });
  expect(broken?.seen).toContain(seen);
  expect(broken?.remedy).not.toBe('');
});
