import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pathWithout } from './support/poor-path.ts';
import { until } from './support/until.ts';
import { Home } from './support/wglab.ts';

const NODES = ['wireguard-control-plane', 'wireguard-worker', 'wireguard-worker2'];

let home: Home;

beforeEach(() => {
  home = new Home();
});

afterEach(() => home.dispose());

const onNode = async (node: string, ...argv: string[]) => (await home.expects(0, ['exec', node, '--', ...argv])).stdout;

async function kubectl(...args: string[]): Promise<string> {
  const env = { KUBECONFIG: join(home.folder, 'wireguard/kubeconfig') };
  const { stdout } = await execa('kubectl', ['-n', 'calico-system', ...args], { env });
  return stdout;
}

describe("Calico's firewall rules", () => {
  it('are on the nodes, with WireGuard while it is on', async () => {
    await home.expects(0, ['deploy']);
    for (const node of NODES) {
      await until('the rules for VXLAN', async () =>
        (await onNode(node, 'iptables-save')).includes('Allow IPv4 VXLAN packets from allowed hosts'),
      );
      expect(await onNode(node, 'iptables-save')).not.toMatch(/wireguard/i);
    }
    await home.expects(0, ['encrypt', 'on']);
    for (const node of NODES) {
      expect((await onNode(node, 'iptables-save')).match(/^.*wireguard.*$/gim)).toEqual([
        expect.stringMatching(/^-A cali-INPUT .*--dports 51820 .*--dst-type LOCAL -j ACCEPT$/),
        expect.stringMatching(/^-A cali-OUTPUT .*--dports 51820 .*--src-type LOCAL -j ACCEPT$/),
        expect.stringMatching(/^-A cali-POSTROUTING -o wireguard.cali .*-j MASQUERADE --random-fully$/),
      ]);
    }
    await home.expects(0, ['verify', '--expect', 'encrypted']);
    await home.expects(0, ['encrypt', 'off']);
    for (const node of NODES) expect(await onNode(node, 'iptables-save')).not.toMatch(/wireguard/i);
    await home.expects(0, ['verify', '--expect', 'plaintext']);
  });

  it('are left out where there is no iptables, which the log says once', async () => {
    const PATH = pathWithout('iptables-save');
    const poor = new Home({ folder: home.folder, environment: { PATH } });
    await poor.expects(0, ['deploy']);
    await poor.expects(0, ['encrypt', 'on']);
    await poor.expects(0, ['verify', '--expect', 'encrypted']);
    const log = readFileSync(join(home.folder, 'wireguard/log'), 'utf8');
    expect(log.match(/no firewall rules/g)).toHaveLength(1);
    expect(await kubectl('logs', 'daemonset/calico-node')).toMatch(/ \[WARNING\]\[\d+\] felix\/.* No iptables/);
  });
});

describe("Felix' pods", () => {
  const names = async () => (await kubectl('get', 'pods', '-l', 'k8s-app=calico-node', '-o', 'name')).split('\n');

  it('say in its lines what was done on their node, and nothing that was not', async () => {
    await home.expects(0, ['deploy']);
    const log = (node: string) => podOn(node).then((pod) => kubectl('logs', pod));
    expect(await log('wireguard-worker')).toMatch(/Created VXLAN device ifaceName="vxlan.calico" mtu=1450/);
    expect(await log('wireguard-worker')).not.toMatch(/WireGuard (device|peer)/);
    await home.expects(0, ['encrypt', 'on']);
    const key = (await onNode('wireguard-worker', 'wg', 'show', 'wireguard.cali', 'public-key')).trim();
    const text = await log('wireguard-worker');
    for (const line of text.split('\n')) {
      expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[INFO\]\[\d+\] felix\/[a-z_]+\.go \d+: [A-Z]/);
    }
    expect(text).toContain(`Published WireGuard public key publicKey="${key}"`);
    expect(text.match(/Added WireGuard peer /g)).toHaveLength(2);
    expect(text).toMatch(/Added routing rule for WireGuard rule="pref 99 not fwmark 0x200000\/0x200000 lookup 1"/);
    await home.expects(0, ['encrypt', 'off']);
    expect(await log('wireguard-worker')).toMatch(/Removed WireGuard device[\s\S]*Withdrew WireGuard public key/);
  });

  async function podOn(node: string): Promise<string> {
    return kubectl('get', 'pods', '-o', 'name', '--field-selector', `spec.nodeName=${node}`);
  }

  it('come back when they are deleted, and then repair their node', async () => {
    await home.expects(0, ['deploy']);
    await home.expects(0, ['encrypt', 'on']);
    const before = await names();
    expect(before).toHaveLength(3);
    await onNode('wireguard-worker', 'ip', 'rule', 'del', 'pref', '99');
    await home.expects(1, ['diagnose']);
    const victim = await podOn('wireguard-worker');
    await kubectl('delete', victim);
    await kubectl('rollout', 'status', 'daemonset/calico-node', '--timeout=10s');
    expect((await names()).filter((name) => !before.includes(name))).toHaveLength(1);
    await until('the rule to be back', async () => (await onNode('wireguard-worker', 'ip', 'rule')).includes('99:'));
    expect(await kubectl('logs', await podOn('wireguard-worker'))).toMatch(/Added routing rule for WireGuard/);
    await home.expects(0, ['diagnose']);
    await home.expects(0, ['verify', '--expect', 'encrypted']);
    expect(await kubectl('exec', await podOn('wireguard-worker'), '--', 'hostname')).toBe('wireguard-worker');
    expect(await kubectl('describe', await podOn('wireguard-worker'))).toMatch(
      /Controlled By: +DaemonSet\/calico-node/,
    );
  });
});
