import { describe, expect, test } from 'vitest';
import { brokenLink, diagnose, untriedLink } from '../../../src/cni/calico/diagnosis/chain.ts';
import type { FirewallRule, NodeFindings } from '../../../src/cni/calico/diagnosis/facts.ts';
import { mayDropForwarded, mayDropTunnel, mayMark, removal } from '../../../src/cni/calico/diagnosis/firewall.ts';
import { IPV6 } from '../../../src/cni/calico/families.ts';

const names = ['a', 'b', 'c'];

const held = () => ({
  ...{ underlay: { device: 'eth0', mtu: 1500 }, portBy: 'default', forwards: true },
  ...{ firewall: [], detours: [], strayRoutes: [], portHolders: [], paths: [] },
});
const CARRIED = {
  ...{ from: '192.168.1.5', to: '192.168.0.5', sentBytes: 32_000, carriedBytes: 34_000, arrivedBytes: 34_000 },
  ...{ besideBytes: 0, answered: true },
};

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
      ...held(),
      blocks: [`192.168.${i}.0/26`],
      paths: names.flatMap((other, j) =>
        j === i ? [] : [{ pod: `192.168.${j}.5`, node: other, device: 'wireguard.cali' }],
      ),
      tunnels: names.filter((other) => other !== name).map((node) => ({ node, arrived: true })),
      traffic: names.filter((other) => other !== name).map((node) => ({ ...CARRIED, node })),
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
        latestHandshake: Date.now() / 1000,
        rx: 1,
        tx: 1,
      })),
    };
  }
  return nodes;
}

const MARKING: FirewallRule = {
  ...{ by: 'iptables', table: 'mangle', chain: 'PREROUTING' },
  text: '-A PREROUTING -i cali+ -j MARK --set-xmark 0x200000/0x200000',
};
const STRANGER = {
  ...{ publicKey: 'stranger', endpoint: '172.18.0.99:51820', allowedIPs: ['192.168.0.5/32'] },
  ...{ latestHandshake: 0, rx: 0, tx: 0 },
};
const inputRule = (text: string): FirewallRule => ({ by: 'iptables', table: 'filter', chain: 'INPUT', text });

/** A rule, and a datagram that it kept from arriving. */
function block(node: NodeFindings, rule: FirewallRule): void {
  node.firewall.push(rule);
  Object.assign(node.tunnels?.[0] ?? {}, { arrived: false });
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
      ...held(),
      blocks: [`fd00:10:244:${i}:0:0:0:0/122`],
      tunnels: names.filter((other) => other !== name).map((node) => ({ node, arrived: true })),
      traffic: [],
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
        latestHandshake: Date.now() / 1000,
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
  [
    'device',
    'no device wg-v6.cali',
    'kubectl delete pod -n calico-system',
    (node) => Object.assign(node, { device: undefined }),
  ],
  ['address', 'no address', 'ip -6 address add fd00:10:244:1::9/128', (node) => node.device.addresses.pop()],
  ['public key', 'published is none', 'calico-node', (node) => Object.assign(node, { publicKey: undefined })],
  [
    'peers',
    'may not send from fd00:10:244:0:0:0:0:0/122',
    'kubectl delete pod',
    (node) => node.device.peers[0]?.allowedIPs.shift(),
  ],
  [
    ...(['peers', 'looked for at [fc00::77]:51821, not at [fc00::2]:51821', 'kubectl delete pod'] as const),
    (node) => Object.assign(node.device.peers[0] ?? {}, { endpoint: '[fc00::77]:51821' }),
  ],
  ['rule', 'no rule', 'ip -6 rule add pref 99', (node) => Object.assign(node.device, { rule: undefined })],
  [
    'routes',
    'no route through wg-v6.cali to fd00:10:244:0',
    'ip -6 route replace',
    (node) => node.device.routes.shift(),
  ],
  [
    ...(['firewall', 'DROP', 'ip6tables -t filter -D INPUT'] as const),
    (node) =>
      block(node, { by: 'ip6tables', table: 'filter', chain: 'INPUT', text: '-A INPUT -p udp --dport 51821 -j DROP' }),
  ],
  ['mtu', 'wg-v6.cali 1440', '"wireguardMTUV6":1420', (node) => Object.assign(node.device, { mtu: 1440 })],
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
  ['peers', 'looked for at', (node) => Object.assign(node.device.peers[0] ?? {}, { endpoint: '10.0.0.1:51820' })],
  ['peers', 'may not send from 192.168.0.0/26', (node) => node.device.peers[0]?.allowedIPs.shift()],
  [
    'handshakes',
    'none yet with a',
    (node) => {
      Object.assign(node.device.peers[0] ?? {}, { latestHandshake: 0 });
      Object.assign(node.tunnels?.[0] ?? {}, { arrived: false });
    },
  ],
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
  ['routes', 'no route through wireguard.cali to 192.168.0.0/26', (node) => node.device.routes.shift()],
  ['firewall', 'DROP', (node) => block(node, inputRule('-A INPUT -p udp --dport 51820 -j DROP'))],
  ['firewall', 'DROP', (node) => block(node, inputRule('-A INPUT -s 172.18.0.2/32 -j DROP'))],
  ['forwarding', 'net.ipv4.ip_forward = 0', (node) => Object.assign(node, { forwards: false })],
  ['mark', 'gets past', (node) => node.firewall.push(MARKING)],
  [
    'routes',
    'to 192.168.0.5 on a, the kernel uses eth0',
    (node) => {
      node.paths[0] = { pod: '192.168.0.5', node: 'a', device: 'eth0' };
      node.strayRoutes.push('192.168.0.5 via 172.18.0.2 dev eth0 onlink');
    },
  ],
  ['peers', 'no node publishes', (node) => node.device.peers.push({ ...STRANGER })],
  ['tunnel', 'a datagram to a did not arrive', (node) => Object.assign(node.tunnels?.[0] ?? {}, { arrived: false })],
  [
    'traffic',
    'left outside it',
    (node) => Object.assign(node.traffic?.[0] ?? {}, { carriedBytes: 0, arrivedBytes: 0, besideBytes: 33_000 }),
  ],
  ['traffic', '0 arrived', (node) => Object.assign(node.traffic?.[0] ?? {}, { arrivedBytes: 0 })],
  [
    'device',
    'held by nc (process 7)',
    (node) => {
      node.device.up = false;
      node.portHolders.push({ name: 'nc', pid: 7 });
    },
  ],
  [
    'handshakes',
    'is 400 s old',
    (node) => {
      Object.assign(node.device.peers[0] ?? {}, { latestHandshake: Date.now() / 1000 - 400 });
      Object.assign(node.tunnels?.[0] ?? {}, { arrived: false });
    },
  ],
  ['mtu', 'wireguard.cali 1480, underlay 1500', (node) => Object.assign(node.device, { mtu: 1480 })],
  [
    'mtu',
    'wireguard.cali 1440, underlay 1400',
    (node) => Object.assign(node, { underlay: { device: 'eth0', mtu: 1400 } }),
  ],
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

test('rules that drop are no fault if packets pass all the same', () => {
  const nodes = healthy();
  nodes[1]?.firewall.push(inputRule('-A INPUT -s 172.18.0.2/32 -j DROP'));
  expect(brokenLink(diagnose(nodes))).toBeUndefined();
});

test.each<[string, (node: NodeFindings) => void]>([
  ['no pod could be entered', (node) => delete node.traffic],
  ['a NetworkPolicy or a firewall', (node) => Object.assign(node.traffic?.[0] ?? {}, { carriedBytes: 0 })],
  ['does not answer', (node) => Object.assign(node.traffic?.[0] ?? {}, { answered: false })],
  ['nothing could be sent', (node) => delete node.tunnels],
])('what could not be tried (%s) is not called whole', (seen, damage) => {
  const nodes = healthy();
  damage(nodes[1] as NodeFindings);
  const findings = diagnose(nodes);
  expect(brokenLink(findings)).toBeUndefined();
  expect(untriedLink(findings)?.seen).toContain(seen);
});

describe('a firewall rule', () => {
  const [node] = healthy() as [NodeFindings];
  const nft = (text: string, hook: string): FirewallRule => ({ by: 'nft', table: 'inet f', chain: 'c', hook, text });
  const forwardRule = (text: string): FirewallRule => ({ ...inputRule(text), chain: 'FORWARD' });

  test.each<[boolean, FirewallRule]>([
    [true, inputRule('policy drop')],
    [true, inputRule('-A INPUT -p udp -j DROP')],
    [true, inputRule('-A INPUT -s 172.18.0.0/16 -j REJECT --reject-with icmp-port-unreachable')],
    [true, inputRule('-A INPUT -i eth0 -p udp -m multiport --dports 50000:52000 -j DROP')],
    [true, nft('udp dport { 53, 51820 } drop # handle 3', 'input')],
    [true, nft('policy drop', 'output')],
    [false, inputRule('-A INPUT -p tcp -j DROP')],
    [false, inputRule('-A INPUT -p udp -m udp --dport 53 -j DROP')],
    [false, inputRule('-A INPUT -s 10.0.0.0/8 -j DROP')],
    [false, inputRule('-A INPUT -i docker0 -j DROP')],
    [false, inputRule('-A INPUT -m conntrack --ctstate INVALID -j DROP')],
    [false, nft('policy drop', 'forward')],
  ])('may drop the tunnel: %s, %o', (may, rule) => {
    expect(mayDropTunnel(rule, node, ['172.18.0.3'])).toBe(may);
  });

  test.each<[boolean, FirewallRule]>([
    [true, forwardRule('-A FORWARD -o cali+ -j DROP')],
    [true, forwardRule('-A FORWARD -i wireguard.cali -j DROP')],
    [true, nft('ip daddr 192.168.0.0/16 drop # handle 2', 'forward')],
    [false, forwardRule('-A FORWARD -i docker0 -j DROP')],
    [false, forwardRule('-A FORWARD -d 10.0.0.0/8 -j DROP')],
    [false, inputRule('-A INPUT -j DROP')],
  ])('may drop what is forwarded: %s, %o', (may, rule) => {
    expect(mayDropForwarded(rule, node, ['192.168.1.0/26'])).toBe(may);
  });

  test.each<[boolean, string]>([
    [true, '-A PREROUTING -j MARK --set-xmark 0x200000/0x200000'],
    [true, '-A PREROUTING -j MARK --set-mark 0x300000'],
    [true, 'iifname "cali*" meta mark set 0x00200000 # handle 3'],
    [true, 'meta mark set meta mark | 0x00200000 # handle 3'],
    [false, '-A PREROUTING -j MARK --set-xmark 0x0/0x200000'],
    [false, '-A PREROUTING -j MARK --set-xmark 0x100000/0x100000'],
    [false, '-A PREROUTING -j DROP'],
  ])('may set the mark: %s, %s', (may, text) => {
    expect(mayMark({ ...MARKING, text }, '0x200000')).toBe(may);
  });

  test.each<[FirewallRule, string]>([
    [inputRule('policy drop'), 'iptables -t filter -P INPUT ACCEPT'],
    [inputRule('-A INPUT -j DROP'), 'iptables -t filter -D INPUT -j DROP'],
    [nft('policy drop', 'input'), "nft chain inet f c '{ policy accept ; }'"],
    [nft('udp dport 51820 drop # handle 3', 'input'), 'nft delete rule inet f c handle 3'],
  ])('%o is removed by a command that can be pasted', (rule, command) => {
    expect(removal('b', rule)).toBe(`wglab exec b -- ${command}`);
  });
});
