import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whyNoFaults } from './support/requirements.ts';
import { until } from './support/until.ts';
import { Home } from './support/wglab.ts';

const reason = whyNoFaults();
if (reason) process.stderr.write(`linux-nodes.test.ts is skipped: ${reason}\n`);

const KIND = fileURLToPath(new URL('../../topologies/wireguard.kind.yml', import.meta.url));
const TOPOLOGY = `name: wireguard
topology:
  nodes:
    wireguard: {kind: k8s-kind, startup-config: ${KIND}}
    alice:
      kind: linux
      image: nicolaka/netshoot:v0.16
      network-mode: none
      env: {WHO: Alice}
      exec: [ip address add 10.0.0.1/24 dev eth1, "sh -c 'echo \\"$WHO\\" > /etc/wireguard/who'"]
    bob: {kind: linux, image: nicolaka/netshoot:v0.16, network-mode: none, exec: [ip address add 10.0.0.2/24 dev eth1]}
  links:
    - endpoints: ["alice:eth1", "bob:eth1"]
`;

let home: Home;
let folder: string;

beforeAll(async () => {
  home = new Home();
  folder = mkdtempSync(join(tmpdir(), 'wglab-linux-'));
  if (reason) return;
  writeFileSync(join(folder, 'hosts.clab.yml'), TOPOLOGY);
  await deploy();
});

async function deploy(): Promise<void> {
  await home.expects(0, ['deploy', '--engine', 'embedded', '--topology', join(folder, 'hosts.clab.yml')]);
}

afterAll(async () => {
  await home.dispose();
  rmSync(folder, { recursive: true });
});

async function on(host: string, script: string): Promise<string> {
  return (await home.expects(0, ['exec', host, '--', 'bash', '-euc', script])).stdout;
}

/** Returns what tcpdump prints of `count` packets on alice's link, while alice pings an address. */
async function seenDuringPing(address: string, count: number): Promise<string> {
  const capture = home.start(['exec', 'alice', '--', 'tcpdump', '-lni', 'eth1', '-c', String(count), 'ip']);
  await capture.prints(/listening on eth1/);
  await on('alice', `ping -c 2 -W 2 ${address}`);
  return (await capture.ended).stdout;
}

it.skipIf(reason)('plain hosts have links, tools, a name, variables and an /etc/wireguard of their own', async () => {
  expect(await on('alice', 'hostname; cat /etc/wireguard/who; stat -c %a /etc/wireguard')).toBe('alice\nAlice\n700\n');
  expect(await on('bob', 'ls /etc/wireguard; command -v wg wireguard-go tcpdump ping nc | wc -l')).toBe('5\n');
  expect(await on('alice', 'cat /sys/class/net/eth1/mtu')).toBe('9500\n');
});

it.skipIf(reason)('they are in status and completion, and Kubernetes knows nothing of them', async () => {
  const { linux, nodes } = JSON.parse((await home.expects(0, ['status', '-o', 'json'])).stdout);
  expect(linux).toEqual([
    { name: 'alice', interfaces: [{ name: 'eth1', addresses: ['10.0.0.1/24'] }] },
    { name: 'bob', interfaces: [{ name: 'eth1', addresses: ['10.0.0.2/24'] }] },
  ]);
  expect(nodes).toHaveLength(3);
  expect(nodes[0]).not.toHaveProperty('addresses');
  expect((await home.expects(0, ['status'])).stdout).toMatch(/^alice +yes +eth1 10\.0\.0\.1\/24$/m);
  const asked = await home.shell(
    'WGLAB_COMPLETE=$(printf "exec\\nal\\n_") && export WGLAB_COMPLETE=${WGLAB_COMPLETE%_}; "$@" completion zsh',
  );
  expect(asked.stdout).toMatch(/^alice$/m);
  const { stderr } = await home.expects(2, ['exec', 'carol', '--', 'true']);
  expect(stderr).toContain('There are: alice, bob, wireguard-control-plane');
});

it.skipIf(reason)('a ping is plaintext on the wire, and not through a tunnel that was made by hand', async () => {
  const clear = await seenDuringPing('10.0.0.2', 4);
  expect(clear.match(/10\.0\.0\.[12] > 10\.0\.0\.[12]: ICMP echo/g)).toHaveLength(4);

  for (const host of ['alice', 'bob']) await on(host, 'umask 077; wg genkey > /etc/wireguard/private.key');
  const key = async (host: string) => (await on(host, 'wg pubkey < /etc/wireguard/private.key')).trim();
  const [alice, bob] = [await key('alice'), await key('bob')];
  await on(
    'alice',
    `ip link add wg0 type wireguard 2> /dev/null || wireguard-go wg0
    ip address add 10.16.1.1/24 dev wg0
    wg set wg0 listen-port 51820 private-key /etc/wireguard/private.key \\
      peer ${bob} endpoint 10.0.0.2:51820 allowed-ips 10.16.1.2/32
    ip link set wg0 up`,
  );
  await on(
    'bob',
    `umask 077
    printf '%s\\n' '[Interface]' 'Address = 10.16.1.2/24' 'ListenPort = 51820' \\
      "PrivateKey = $(cat /etc/wireguard/private.key)" '[Peer]' 'PublicKey = ${alice}' \\
      'Endpoint = 10.0.0.1:51820' 'AllowedIPs = 10.16.1.1/32' > /etc/wireguard/wg0.conf
    wg-quick up wg0`,
  );
  // Two messages of the handshake, then two pings and their answers.
  const tunnelled = await seenDuringPing('10.16.1.2', 6);
  expect(tunnelled.match(/10\.0\.0\.[12]\.51820 > 10\.0\.0\.[12]\.51820: UDP/g)).toHaveLength(6);
  expect(tunnelled).not.toContain('ICMP');
  expect(tunnelled).not.toContain('10.16.1.');
  expect(await on('bob', 'wg show wg0 latest-handshakes')).toMatch(/\t[1-9]\d+$/m);
});

it.skipIf(reason)('capture watches the link of one; verify is about the cluster alone', async () => {
  const capture = home.start(['capture', '--node', 'alice', '--count', '2']);
  await capture.prints(/Watching the wire/);
  const pings = home.start(['exec', 'alice', '--', 'ping', '-c', '5', '-i', '0.3', '10.0.0.2']);
  expect((await capture.ended).stdout).toMatch(/alice 10\.0\.0\.[12] > 10\.0\.0\.[12] ICMP/);
  await pings.ended;
  const { pairs } = JSON.parse((await home.expects(0, ['verify', '--expect', 'plaintext', '-o', 'json'])).stdout);
  expect(pairs).toHaveLength(6);
});

/** Ends the one process that holds the host up; the brackets keep this script's own from being taken for it. */
const END_HOST = `for process in /proc/[0-9]*; do
  [ "$(readlink "$process/ns/uts")" = "$(readlink /proc/self/ns/uts)" ] || continue
  ! grep -qa 'k[e]eper' "$process/cmdline" || kill -9 "\${process#/proc/}"
done`;

it.skipIf(reason)('the loss of one is reported; destroy removes all, and what people started there', async () => {
  await home.run(['exec', 'bob', '--', 'bash', '-c', END_HOST]);
  const { linux } = JSON.parse((await home.expects(0, ['status', '-o', 'json'])).stdout);
  expect(linux[1]).toEqual({ name: 'bob', interfaces: [], problem: 'bob cannot be probed: it does not run' });
  await home.destroy();
});

it.skipIf(reason)('kill -9 of the engine takes the hosts, and what people started there', async () => {
  await deploy();
  await on('alice', 'sleep 1000 > /dev/null 2>&1 & ip link add wg0 type wireguard 2> /dev/null || wireguard-go wg0');
  const before = home.census();
  expect(before.processes.some(({ command }) => command.includes('sleep 1000'))).toBe(true);
  home.endEngine();
  await until('all of it to be gone', () => home.census().processes.length === 0);
  await home.expects(0, ['destroy', 'wireguard']);
  home.expectNothingLeft(before);
});
