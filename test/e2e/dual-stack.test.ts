import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Record as RunRecord } from '../../src/proof/record.ts';
import type { VerifyResult } from '../../src/proof/result.ts';
import { whyNoFaults } from './support/requirements.ts';
import { until } from './support/until.ts';
import { Home } from './support/wglab.ts';

const reason = whyNoFaults();
if (reason) process.stderr.write(`dual-stack.test.ts is skipped: ${reason}\n`);

const LAB = fileURLToPath(new URL('../../labs/by-hand.md', import.meta.url));
const [CONTROL, A, B] = ['by-hand-control-plane', 'by-hand-worker', 'by-hand-worker2'] as const;
const POOL = 'fd00:10:244:';

type Fingerprint = NonNullable<RunRecord['fingerprints']>[number];

interface PodAt {
  name: string;
  address6: string;
}

let home: Home;
const pods: Record<string, PodAt> = {};

beforeAll(async () => {
  home = new Home();
  if (reason) return;
  await home.expects(0, ['deploy', LAB, '--engine', 'embedded']);
  const { items } = JSON.parse(await kubectl('get pods -n nc -o json'));
  for (const { metadata, spec, status } of items) {
    const [four, six] = status.podIPs.map(({ ip }: { ip: string }) => ip);
    expect(four).toBe(status.podIP);
    expect(four).toMatch(/^192\.168\./);
    expect(six.startsWith(POOL)).toBe(true);
    pods[spec.nodeName] = { name: metadata.name, address6: six };
  }
});

afterAll(() => home.dispose());

async function kubectl(words: string): Promise<string> {
  const { status, stdout, stderr } = await home.shell(`kubectl --kubeconfig "$WGLAB_HOME/by-hand/kubeconfig" ${words}`);
  expect(status, `kubectl ${words}\n${stderr}`).toBe(0);
  return stdout;
}

async function on(node: string, script: string): Promise<string> {
  return (await home.expects(0, ['exec', node, '--', 'bash', '-euc', script])).stdout;
}

function pod(node: string): PodAt {
  const found = pods[node];
  if (!found) throw new Error(`no pod on ${node}`);
  return found;
}

/** Returns the packets that A sends and receives while its pod pings that of B over IPv6: so many, without those of IPv6 itself. */
async function seenDuringPing(count: number): Promise<string[]> {
  const noise = 'not (icmp6 and ip6[40] >= 130)';
  const capture = home.start(['exec', A, '--', 'tcpdump', '-lni', 'eth0', '-c', String(count), `ip6 and ${noise}`]);
  await capture.prints(/listening on eth0/);
  await kubectl(`exec -n nc ${pod(A).name} -- ping -c 3 -i 0.2 -W 5 ${pod(B).address6}`);
  return (await capture.ended).stdout.trim().split(/\n(?=\d)/);
}

it.skipIf(reason)('nodes and pods have both families, by VXLAN for each', async () => {
  const { items } = JSON.parse(await kubectl('get nodes -o json'));
  expect(items[1].status.addresses.map(({ address }: { address: string }) => address)).toEqual([
    '172.18.0.3',
    'fc00:f853:ccd:e793::3',
    A,
  ]);
  expect(items[1].metadata.annotations).toMatchObject({
    'projectcalico.org/IPv6Address': 'fc00:f853:ccd:e793::3/64',
    'projectcalico.org/IPv6VXLANTunnelAddr': expect.stringMatching(`^${POOL}`),
  });
  const status = JSON.parse((await home.expects(0, ['status', '-o', 'json'])).stdout);
  expect(status.nodes[1].addresses).toEqual(['172.18.0.3', 'fc00:f853:ccd:e793::3']);
  const listed = status.pods.flatMap(({ namespace, addresses }: { namespace: string; addresses: string[] }) =>
    namespace === 'nc' ? [addresses[1]] : [],
  );
  expect(listed.sort()).toEqual(
    Object.values(pods)
      .map(({ address6 }) => address6)
      .sort(),
  );
  const routes = await on(A, 'ip -6 route');
  expect(routes).toMatch(/^fd00:10:244:\S+\/122 via fd00:10:244:\S+ dev vxlan-v6\.calico metric 1024 onlink mtu 1430/m);
  expect(routes).toMatch(/^blackhole fd00:10:244:\S+\/122 dev lo proto 80 metric 1024/m);
  expect(await on(A, 'cat /sys/class/net/vxlan-v6.calico/mtu; ip -d link show vxlan-v6.calico')).toMatch(
    /^1430\n[\s\S]*vxlan id 4096 local fc00:f853:ccd:e793::3 dev eth0 .*dstport 4789 nolearning/,
  );
});

it.skipIf(reason)('what wglab applied, kubectl finds unchanged from the second time on', async () => {
  const folder = fileURLToPath(new URL('../../manifests/calico-dual-stack', import.meta.url));
  await kubectl(`apply -f ${folder}`);
  const second = (await kubectl(`apply -f ${folder}`)).trimEnd().split('\n');
  expect(second.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
  expect(second).toHaveLength(3);
  const pools = JSON.parse(await kubectl('get ippools -o json')).items;
  expect(pools.map(({ spec }: { spec: { cidr: string } }) => spec.cidr)).toEqual([
    '192.168.0.0/16',
    'fd00:10:244::/56',
  ]);
});

it.skipIf(reason)('from pod to pod IPv6 is plaintext before, and WireGuard after', async () => {
  const clear = await seenDuringPing(6);
  const inner = `IP6 ${pod(A).address6} > ${pod(B).address6}: ICMP6, echo request`;
  expect(clear[0]).toContain('fc00:f853:ccd:e793::3');
  expect(clear[0]).toContain(inner);

  const { stderr } = await home.expects(0, ['encrypt', 'on']);
  // One family after the other: both in one patch can leave a node of a real cluster without a tunnel address.
  expect(stderr).toMatch(/"wireguardEnabled":true[\s\S]*"wireguardEnabledV6":true/);
  const tunnelled = await seenDuringPing(6);
  for (const packet of tunnelled) {
    expect(packet).toMatch(
      /IP6 fc00:f853:ccd:e793::[34]\.51821 > fc00:f853:ccd:e793::[34]\.51821: UDP, length (144|148|92)$/,
    );
  }
});

it.skipIf(reason)('a node looks as one with Calico and WireGuard for IPv6 does', async () => {
  expect(await on(A, 'ip -6 rule')).toMatch(/^99:\tnot from all fwmark 0x200000\/0x200000 lookup 1$/m);
  const table = (await on(A, 'ip -6 route show table 1')).trim().split(/ *\n/);
  expect(table.filter((line) => /^throw fd00:10:244:\S+\/122 dev lo metric 1024 pref medium$/.test(line))).toHaveLength(
    1,
  );
  // A block and two tunnel addresses for each of the two others.
  expect(table.filter((line) => /^fd00:10:244:\S+ dev wg-v6\.cali metric 1024 pref medium$/.test(line))).toHaveLength(
    6,
  );
  const shown = await on(A, 'wg show wg-v6.cali; cat /sys/class/net/wg-v6.cali/mtu');
  expect(shown).toMatch(/listening port: 51821\n {2}fwmark: 0x200000\n/);
  expect(shown).toMatch(/endpoint: \[fc00:f853:ccd:e793::[24]\]:51821/);
  expect(shown).toMatch(/allowed ips: fd00:10:244:\S+\/122, fd00:10:244:\S+\/128, fd00:10:244:\S+\/128/);
  expect(shown).toMatch(/\n1420\n$/);
  const annotations = JSON.parse(await kubectl(`get node ${A} -o json`)).metadata.annotations;
  expect(await on(A, 'ip -6 addr show dev wg-v6.cali')).toContain(
    `inet6 ${annotations['projectcalico.org/IPv6WireguardInterfaceAddr']}/128`,
  );
  const key = annotations['projectcalico.org/WireguardPublicKeyV6'];
  expect(await on(A, 'wg show wg-v6.cali public-key')).toBe(`${key}\n`);
  expect(key).not.toBe(annotations['projectcalico.org/WireguardPublicKey']);
});

it.skipIf(reason)('diagnose looks at both families, and names the one in which a link is broken', async () => {
  const whole = JSON.parse((await home.expects(0, ['diagnose', '-o', 'json'])).stdout);
  const links = whole.findings.map(({ check, ok }: { check: string; ok: boolean }) => [check, ok]);
  expect(links).toContainEqual(['routes', true]);
  expect(links).toContainEqual(['IPv6 routes', true]);
  expect(links.filter(([, ok]: [string, boolean]) => ok !== true)).toEqual([]);

  const [network] = (
    await on(A, "ip -6 route show table 1 dev wg-v6.cali | sed -n 's/^\\([^ ]*\\/122\\).*/\\1/p'")
  ).split('\n');
  await on(A, `ip -6 route del ${network} dev wg-v6.cali table 1; ip link set wg-v6.cali mtu 1500`);
  const { findings } = JSON.parse((await home.expects(1, ['diagnose', '-o', 'json'])).stdout);
  const broken = findings.filter(({ ok }: { ok: boolean }) => ok === false);
  expect(broken.map(({ check, node }: { check: string; node: string }) => [check, node])).toEqual([
    ['IPv6 routes', A],
    ['IPv6 mtu', A],
    ['IPv6 traffic', A],
  ]);
  await on(A, broken[0].remedy);
  await on(A, 'ip link set wg-v6.cali mtu 1420');
  await home.expects(0, ['diagnose']);
});

it.skipIf(reason)('other settings for IPv6 reach running nodes, and leave IPv4 alone', async () => {
  const keys = () => on(A, 'wg show wireguard.cali public-key');
  const before = await keys();
  const change = { wireguardInterfaceNameV6: 'wg-six', wireguardListeningPortV6: 4500, wireguardMTUV6: 1300 };
  await kubectl(`patch felixconfiguration default --type=merge -p '${JSON.stringify({ spec: change })}'`);
  await home.expects(0, ['encrypt', 'on']);
  const tunnelled = await seenDuringPing(6);
  expect(tunnelled.every((packet) => /\.4500 > .*\.4500: UDP/.test(packet))).toBe(true);
  expect(await on(A, 'cat /sys/class/net/wg-six/mtu; [ ! -e /sys/class/net/wg-v6.cali ]')).toBe('1300\n');
  expect(await keys()).toBe(before);
  const back = Object.fromEntries(Object.keys(change).map((name) => [name, null]));
  await kubectl(`patch felixconfiguration default --type=merge -p '${JSON.stringify({ spec: back })}'`);
  await home.expects(0, ['encrypt', 'on']);
});

it.skipIf(reason)('verify tries both families, and fails if IPv6 alone goes past the tunnel', async () => {
  const verify = async (status: number): Promise<VerifyResult> =>
    JSON.parse((await home.expects(status, ['verify', '--expect', 'encrypted', '-o', 'json'])).stdout);
  const good = await verify(0);
  const record = JSON.parse(readFileSync(join(good.evidence, 'record.json'), 'utf8'));
  const tried = record.fingerprints.map(({ family, protocol }: Fingerprint) => `${protocol} over IPv${family}`);
  for (const protocol of ['tcp', 'udp', 'icmp']) {
    expect(tried).toContain(`${protocol} over IPv4`);
    expect(tried).toContain(`${protocol} over IPv6`);
  }

  await on(A, 'ip -6 rule del pref 99');
  const leaks = (await verify(1)).pairs.filter(({ plaintextPackets }) => plaintextPackets > 0);
  expect(leaks.filter(({ from }) => from === A)).toHaveLength(2);
  // The answers of A's pod to datagrams quote them.
  expect(leaks.filter(({ from, to }) => from !== A && to !== A)).toEqual([]);
  await on(A, 'ip -6 rule add not fwmark 0x200000/0x200000 pref 99 table 1');
  await verify(0);

  await kubectl(`patch felixconfiguration default --type=merge -p '{"spec":{"wireguardEnabledV6":false}}'`);
  await until(
    'WireGuard for IPv6 to be off',
    async () => (await on(A, '[ -e /sys/class/net/wg-v6.cali ] || echo off')) !== '',
  );
  expect((await verify(1)).pairs.every(({ plaintextPackets }) => plaintextPackets > 0)).toBe(true);
});

it.skipIf(reason)('with encryption off nothing of it stays, and destroy leaves nothing', async () => {
  await home.expects(0, ['encrypt', 'on']);
  await home.expects(0, ['encrypt', 'off']);
  for (const node of [CONTROL, A, B]) {
    const left = await on(node, 'ip -6 rule; ip rule; ip -6 route show table 1 2>&1; ip route show table 1 2>&1; wg');
    expect(left).not.toMatch(/lookup 1$|dev wg|throw|interface/m);
  }
  expect((await seenDuringPing(6))[0]).toContain('ICMP6, echo request');
  const { items } = JSON.parse(await kubectl('get nodes -o json'));
  expect(JSON.stringify(items)).not.toContain('Wireguard');
  await home.destroy('by-hand');
});
