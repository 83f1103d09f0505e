import { expect, test } from 'vitest';
import { brokenLink, diagnose, type NodeFindings } from '../../src/cni/diagnosis.ts';

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
