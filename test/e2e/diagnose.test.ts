import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Home } from './support/wglab.ts';

const NODE = 'wireguard-worker';

let home: Home;
/** A pod on the other worker, and the network of that worker's pods. */
let pod: string;
let block: string;

beforeAll(async () => {
  home = new Home();
  await home.expects(0, ['deploy']);
  await home.expects(0, ['encrypt', 'on']);
  const { stdout } = await home.expects(0, ['status', '-o', 'json']);
  const pods = JSON.parse(stdout).pods as { address: string; node: string }[];
  pod = pods.find(({ address, node }) => node === 'wireguard-worker2' && address.startsWith('192.'))?.address ?? '';
  const route = await onNode(`ip -o route show table 1 match ${pod} | sed -n 's/^\\([^ ]*\\/26\\) .*/\\1/p'`);
  block = route.trim();
});

afterAll(() => home.dispose());

async function onNode(script: string): Promise<string> {
  return (await home.expects(0, ['exec', NODE, '--', 'sh', '-euc', script])).stdout;
}

async function diagnose(): Promise<{
  status: number;
  broken: { check: string; node: string; remedy: string } | null;
}> {
  const { status, stdout } = await home.run(['diagnose', '-o', 'json']);
  return { status, broken: JSON.parse(stdout).broken };
}

/** Pastes a command into a shell in which `wglab` is wglab. */
async function paste(command: string): Promise<void> {
  const wglab = `wglab() { "${process.execPath}" "${join(import.meta.dirname, '../../bin/wglab')}" "$@"; }`;
  await execa('bash', ['-euc', `${wglab}\n${command}`], {
    env: { WGLAB_HOME: home.folder, KUBECONFIG: join(home.folder, 'wireguard/kubeconfig') },
  });
}

const STATES: [string, string, () => string][] = [
  ['a rule that drops all of a peer', 'firewall', () => 'iptables -I INPUT -s 172.18.0.4 -j DROP'],
  ['a rule that drops UDP', 'firewall', () => 'iptables -I OUTPUT -p udp -j DROP'],
  [
    'an input policy of nftables',
    'firewall',
    () => "nft add table inet f; nft add chain inet f in '{ type filter hook input priority 0; policy drop; }'",
  ],
  ['a rule that drops what is forwarded to pods', 'firewall', () => 'iptables -I FORWARD -o cali+ -j DROP'],
  ['a policy that forwards nothing', 'firewall', () => 'iptables -P FORWARD DROP'],
  ['a kernel that forwards nothing', 'forwarding', () => 'sysctl -w net.ipv4.ip_forward=0'],
  [
    'a peer that nobody published',
    'peers',
    () => `wg set wireguard.cali peer "$(wg genkey | wg pubkey)" endpoint 172.18.0.99:51820 allowed-ips ${pod}/32`,
  ],
  [
    "a rule that sets Felix' mark",
    'mark',
    () => 'iptables -t mangle -I PREROUTING -i cali+ -j MARK --set-xmark 0x200000/0x200000',
  ],
  ['a route past the device', 'routes', () => `ip route add ${pod}/32 via 172.18.0.4 dev eth0 onlink table 1`],
  ['a black hole', 'routes', () => `ip route replace blackhole ${block} table 1`],
  ['a rule that comes first', 'rule', () => 'ip rule add pref 50 from all lookup main'],
  ['another port', 'port', () => 'wg set wireguard.cali listen-port 51999'],
  ['no address', 'address', () => 'ip address flush dev wireguard.cali'],
];

it.each(STATES)('%s is named, and the remedy works as it is printed', async (_, check, damage) => {
  await onNode(damage());
  const { status, broken } = await diagnose();
  expect({ status, check: broken?.check, node: broken?.node }).toEqual({ status: 1, check, node: NODE });
  await paste(broken?.remedy ?? '');
  expect(await diagnose()).toEqual({ status: 0, broken: null });
});
