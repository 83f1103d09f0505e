import { describe, expect, test } from 'vitest';
import { type CiliumStep, planChanges } from '../../../src/cni/cilium/dataplane/changes.ts';
import { encryptMark, sendingKeyId } from '../../../src/cni/cilium/dataplane/marks.ts';
import { routeMtu, wireguardMtu } from '../../../src/cni/cilium/dataplane/mtu.ts';
import { hostInterfaceName, identityOf, ownOffset, vxlanMac } from '../../../src/cni/cilium/dataplane/names.ts';
import { desiredState, emptyState } from '../../../src/cni/cilium/dataplane/state.ts';
import type { CiliumNodeView, CiliumView, Encryption } from '../../../src/cni/cilium/dataplane/types.ts';
import { parseIpsecSecret } from '../../../src/cni/cilium/keys/ipsec-secret.ts';

const KEY_A = 'qoq43YKf2R+UsxkKLktRrPRmM9J8Vkozm6yQ1//fjWs=';
const KEY_B = 'RZapDt9Mxbd6mAYtqs8UWi/UfFqAYyWy6hP+vKutLU8=';
const BOOT_ID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const PSK = 'da630c6acdbef2757ab7f5215b8b1811420e3f61';
const key = (id: number, psk = PSK) => parseIpsecSecret(`${id}+ rfc4106(gcm(aes)) ${psk} 128`);

/** Node a at 172.18.0.3 and node b at 172.18.0.4, each with one pod. */
function cluster(encryption: Encryption, keys = [key(3)], publishedKeyId = 3): CiliumView & { a: CiliumNodeView } {
  const node = (name: string, last: number, publicKey: string): CiliumNodeView => ({
    ...{ name, address: `172.18.0.${last}`, podCidr: `10.244.${last}.0/24`, internalAddress: `10.244.${last}.155` },
    ...{ bootId: BOOT_ID, encryption, publicKey, keys, publishedKeyId },
    pods: [
      {
        ...{ namespace: 'default', name: `pod-${name}`, address: `10.244.${last}.2` },
        ...{ hostInterface: `lxc${name}`, identity: 7950 },
      },
    ],
  });
  const a = node('a', 3, KEY_A);
  return { a, nodes: [a, node('b', 4, KEY_B)], hostMtu: 1500 };
}

const stateOf = (view: ReturnType<typeof cluster>) => desiredState(view, view.a);
const lines = (steps: readonly CiliumStep[]) =>
  steps.flatMap((step) => {
    if (step.kind === 'ip') return step.lines;
    if (step.kind === 'wgSet') return [`wg set ${step.arguments.join(' ')}`];
    if (step.kind === 'nft') return [`nft ${step.ruleset}`];
    return step.kind === 'sysctl' ? [] : [`${step.kind} ${step.name}`];
  });
const on = (view: ReturnType<typeof cluster>) => lines(planChanges(emptyState(), stateOf(view)));

describe('a node without encryption', () => {
  const all = on(cluster('none'));

  test('has the devices and routes of a Cilium agent, with the MTU of VXLAN', () => {
    expect(all).toContain(
      'route replace 10.244.4.0/24 via 10.244.3.155 dev cilium_host src 10.244.3.155 proto kernel mtu 1450',
    );
    expect(all).toContain('route replace 10.244.3.0/24 via 10.244.3.155 dev cilium_host src 10.244.3.155 proto kernel');
    expect(all.join('\n')).toMatch(
      /link add name cilium_vxlan address 2e:\S+ mtu 1500 type vxlan external dstport 8472/,
    );
  });

  test("encapsulates with the sender's identity as the network identifier", () => {
    expect(all).toContain('rule add priority 29 iif lxca lookup 7950');
    expect(all.filter((line) => line.includes('encap ip id 7950'))).toHaveLength(1);
    expect(all.join('\n')).not.toMatch(/wg set|xfrm|lookup 201/);
  });
});

describe('a node with WireGuard', () => {
  const all = on(cluster('wireguard'));

  test('has one peer for each other node, which may send from its own address alone', () => {
    expect(all).toContain(`wg set cilium_wg0 peer ${KEY_B} endpoint 172.18.0.4:51871 allowed-ips 172.18.0.4/32`);
    expect(all).toContain('wg set cilium_wg0 listen-port 51871 fwmark 0xe00');
    expect(all).toContain('link set dev cilium_wg0 mtu 1405');
  });

  test('diverts the overlay into the device last of all, and drops what has no peer', () => {
    expect(all.at(-1)).toBe('rule add priority 1 iif lo ipproto udp dport 8472 lookup 201');
    expect(all).toContain('route replace blackhole default table 201');
    expect(all.indexOf('createWireguard cilium_wg0')).toBeLessThan(all.length - 3);
  });

  test('takes no key that is none, and none that two nodes publish', () => {
    const view = cluster('wireguard');
    const withKeys = (first: string, second: string) => {
      const nodes = view.nodes.map((node, i) => ({ ...node, publicKey: i === 0 ? first : second }));
      return desiredState({ ...view, nodes }, nodes[0] ?? view.a).wireguard?.peers.length;
    };
    expect(withKeys(KEY_A, KEY_B)).toBe(1);
    expect(withKeys(KEY_A, KEY_A)).toBe(0);
    expect(withKeys(KEY_A, `${'A'.repeat(43)}=`)).toBe(0);
    expect(withKeys(KEY_A, 'up; rm -rf /')).toBe(0);
  });

  test('stops diverting before it removes the device', () => {
    const off = lines(planChanges(stateOf(cluster('wireguard')), stateOf(cluster('none'))));
    expect(off[0]).toBe('rule del priority 1 iif lo ipproto udp dport 8472 lookup 201');
    expect(off.indexOf('removeWireguard cilium_wg0')).toBeGreaterThan(
      off.indexOf('route del blackhole default table 201'),
    );
    expect(off).toContain(
      'route replace 10.244.4.0/24 via 10.244.3.155 dev cilium_host src 10.244.3.155 proto kernel mtu 1450',
    );
  });
});

describe('a node with IPsec', () => {
  const all = on(cluster('ipsec'));

  test("has Cilium's states both ways, with the keys that are derived for the direction", () => {
    const states = all.filter((line) => line.startsWith('xfrm state'));
    expect(states).toHaveLength(4);
    const out = states.find((line) => line.includes('src 172.18.0.3 dst 172.18.0.4')) ?? '';
    expect(out).toContain('aead rfc4106(gcm(aes)) 0x72136d285dd74d8903d70a918043d91db5ad5217 128');
    expect(out).toContain('spi 0x3 reqid 1 mode tunnel');
    expect(out).toContain('mark 0x23e00 mask 0xffffff00 output-mark 0xe00 mask 0xffffff00 replay-window 1024 flag esn');
    const into = states.find((line) => line.includes('src 172.18.0.4 dst 172.18.0.3')) ?? '';
    expect(into).toContain('0xf061d67016f76d829beb91df5b6522e71b41874d');
    expect(into).toContain('mark 0x20d00 mask 0xffff0f00 output-mark 0xd00 mask 0xffffff00');
  });

  test('drops what is marked for encryption and meets no policy', () => {
    expect(all).toContain(
      'xfrm policy update src 0.0.0.0/0 dst 0.0.0.0/0 dir out mark 0xe00 mask 0xf00 action block priority 100',
    );
  });

  test('marks for a node without a key meet only the policy that drops', () => {
    expect(on(cluster('ipsec', [key(3)], 0)).join('\n')).toContain(
      'udp dport 8472 ip daddr 172.18.0.4 meta mark set 0x20e00',
    );
  });

  test('with a new key adds all of it before the marks change in one transaction, and removes the old one after that', () => {
    const old = stateOf(cluster('ipsec'));
    const both = stateOf(cluster('ipsec', [key(3), key(4, 'ab'.repeat(20))], 3));
    const published = stateOf(cluster('ipsec', [key(3), key(4, 'ab'.repeat(20))], 4));
    const alone = stateOf(cluster('ipsec', [key(4, 'ab'.repeat(20))], 4));
    const added = lines(planChanges(old, both));
    expect(added.every((line) => /^xfrm (state add|policy update) .*spi 0x4/.test(line))).toBe(true);
    const switched = lines(planChanges(both, published));
    expect(switched).toHaveLength(1);
    expect(switched[0]).toMatch(/^nft table ip cilium_ebpf\ndelete table ip cilium_ebpf\ntable ip cilium_ebpf \{/);
    expect(switched[0]).toContain('meta mark set 0x24e00');
    const removed = lines(planChanges(published, alone));
    expect(removed.every((line) => /^xfrm (state|policy) delete .*(spi 0x3|mark 0x23e00)/.test(line))).toBe(true);
    expect(removed).toHaveLength(6);
  });
});

test('what is as it should be needs no step', () => {
  for (const encryption of ['none', 'wireguard', 'ipsec'] as const) {
    expect(planChanges(stateOf(cluster(encryption)), stateOf(cluster(encryption)))).toEqual([]);
  }
});

test('a node sends with the lower of two key ids, and with 15 while the other goes on to 1', () => {
  expect(sendingKeyId(3, 3)).toBe(3);
  expect(sendingKeyId(4, 3)).toBe(3);
  expect(sendingKeyId(3, 4)).toBe(3);
  expect(sendingKeyId(15, 1)).toBe(15);
  expect(sendingKeyId(1, 15)).toBe(15);
  expect(sendingKeyId(3, 0)).toBe(0);
  expect(encryptMark(4, 3)).toBe('0x43e00');
  expect(encryptMark(0xffff, 15)).toBe('0xfffffe00');
});

test('MTUs are those of Cilium 1.20', () => {
  expect(wireguardMtu(1500)).toBe(1405);
  expect((['none', 'wireguard', 'ipsec'] as const).map((encryption) => routeMtu(1500, encryption))).toEqual([
    1450, 1355, 1373,
  ]);
});

test('names, addresses and identities depend on what they name alone, and never meet', () => {
  expect(hostInterfaceName('default', 'web')).toMatch(/^lxc[0-9a-f]{12}$/);
  expect(vxlanMac('a')).toMatch(/^2e(:[0-9a-f]{2}){5}$/);
  expect(identityOf('default', { a: '1', b: '2' })).toBe(identityOf('default', { b: '2', a: '1' }));
  expect(identityOf('default', { a: '1' })).not.toBe(identityOf('other', { a: '1' }));
  for (let i = 0; i < 500; i++) {
    const [router, health] = [ownOffset(`n${i}`, 'router', 256), ownOffset(`n${i}`, 'health', 256)];
    expect(router).toBeGreaterThanOrEqual(128);
    expect(health).toBeGreaterThan(router);
    expect(health).toBeLessThan(255);
  }
});
