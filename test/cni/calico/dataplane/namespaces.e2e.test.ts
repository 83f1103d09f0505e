import { afterAll, beforeAll, expect, test } from 'vitest';
import { felixSettings } from '../../../../src/cni/calico/dataplane/felix-settings.ts';
import { podMtu } from '../../../../src/cni/calico/dataplane/mtu.ts';
import { podInterfaceLines, podVethLines } from '../../../../src/cni/calico/dataplane/pod-veth.ts';
import type { ClusterView, FelixSettings, NodeState } from '../../../../src/cni/calico/dataplane/types.ts';
import {
  NODE_SYSCTLS,
  nodeInterfaceLines,
  nodeUplinkLines,
  WIRE_SYSCTLS,
  wireLines,
} from '../../../../src/engine/embedded/underlay.ts';
import { NODE_SUBNET } from '../../../../src/lab/node-subnet.ts';
import { labView } from './clusters.ts';
import { Holder } from './holder.ts';
import { comparable } from './kernel-model.ts';
import { NodeRuntime } from './node-runtime.ts';

// Real interfaces, packets and WireGuard (the kernel's where it has it, else wireguard-go) in namespaces: the scenario
// of the flagship lab, one step a test, in order.

const holder = new Holder();
const nodes: NodeRuntime[] = [];
const pods: { address: string; pid: number }[] = [];
let beforeEncryption: NodeState[] = [];

beforeAll(async () => {
  const view = labView();
  const { hostMtu: mtu } = view;
  await holder.run(['sysctl', '-q', '-e', '-w', ...WIRE_SYSCTLS.map(({ path, value }) => `${path}=${value}`)]);
  for (const { name } of view.nodes) nodes.push(new NodeRuntime(holder, name, await holder.newNamespace()));
  const uplinks = view.nodes.flatMap(({ address }, index) =>
    nodeUplinkLines({ subnet: NODE_SUBNET, address, mtu, pid: nodes[index]?.pid ?? 0 }),
  );
  for (const node of nodes) await node.sysctl(NODE_SYSCTLS);
  await holder.run(['ip', '-batch', '-'], `${[...wireLines(NODE_SUBNET, mtu), ...uplinks].join('\n')}\n`);
  for (const [index, { name, address, pods: wanted }] of view.nodes.entries()) {
    const node = nodes[index];
    await node?.batch(nodeInterfaceLines(NODE_SUBNET, address));
    for (const pod of wanted) {
      const pid = await holder.newNamespace();
      pods.push({ address: pod.address, pid });
      await node?.batch(podVethLines({ hostInterface: pod.hostInterface, mtu: podMtu(view, name), pid }));
      await holder.run(
        ['nsenter', '-t', `${pid}`, '-n', 'ip', '-batch', '-'],
        podInterfaceLines(pod.address).join('\n'),
      );
    }
  }
});

afterAll(() => holder.end());

/** Every pod reaches every other one with packets of a size that needs the right MTU (`size` of payload, in bytes). */
async function everyPodReachesEveryOther(size: number): Promise<void> {
  for (const from of pods) {
    for (const to of pods.filter((pod) => pod !== from)) {
      // Two handshakes that cross fail, and WireGuard tries again after 5 s: the packet waits in its queue until then.
      const ping = ['busybox', 'ping', '-c', '1', '-W', '20', '-s', `${size}`, to.address];
      await holder.run(['nsenter', '-t', `${from.pid}`, '-n', ...ping]);
    }
  }
}

/** Packets that a device of a node has sent. */
async function sent(node: NodeRuntime, device: string): Promise<number> {
  const [link] = JSON.parse(await node.run(['ip', '-j', '-s', 'link', 'show', 'dev', device]));
  return link.stats64.tx.packets;
}

const sentByAll = (device: string) => Promise.all(nodes.map((node) => sent(node, device)));

async function converge(view: ClusterView): Promise<NodeState[]> {
  return Promise.all(nodes.map((node) => node.converge(view)));
}

/** Turns WireGuard on in two steps, as keys are published by nodes and then reach the others. */
async function encrypted(settings: Partial<FelixSettings> = {}): Promise<ClusterView> {
  const on = labView({}, true);
  const felix = { ...on.felix, ...settings };
  const unpublished = on.nodes.map((node) => ({ ...node, wireguardPublicKey: undefined }));
  const states = await converge({ ...on, felix, nodes: unpublished });
  const published = on.nodes.map((node, index) => ({
    ...node,
    wireguardPublicKey: states[index]?.wireguard[0]?.publicKey,
  }));
  return { ...on, felix, nodes: published };
}

test('pods on three nodes reach each other by VXLAN', async () => {
  beforeEncryption = await converge(labView());
  const before = await sentByAll('vxlan.calico');
  // 1422 bytes of payload fill the pods' MTU of 1450.
  await everyPodReachesEveryOther(1422);
  const after = await sentByAll('vxlan.calico');
  // Two requests and two answers a node.
  expect(after.map((packets, index) => packets - (before[index] ?? 0))).toEqual([4, 4, 4]);
});

test('a node looks as a node with Calico does', async () => {
  const worker = nodes[1];
  expect(await worker?.run(['ip', '-d', 'route'])).toContain(
    'unicast 192.168.2.64/26 via 192.168.2.64 dev vxlan.calico proto boot scope global onlink mtu 1450',
  );
  expect(await worker?.run(['ip', 'route'])).toContain('blackhole 192.168.3.64/26 proto 80');
  expect(await worker?.run(['ip', '-d', 'link', 'show', 'vxlan.calico'])).toMatch(
    /mtu 1450.*\n.*link\/ether 66:.*\n.*vxlan id 4096 local 172\.18\.0\.3 dev eth0 .*dstport 4789 nolearning/,
  );
});

test('a node reaches the wire, and nothing behind it', async () => {
  const routes = await holder.run(['ip', '-j', 'route']);
  expect(JSON.parse(routes).map((route: { dst: string }) => route.dst)).toEqual(['172.18.0.0/16']);
  const links = JSON.parse(await holder.run(['ip', '-j', 'link'])).map((link: { ifname: string }) => link.ifname);
  expect(links.sort()).toEqual(['lo', 'wire', 'wire2', 'wire3', 'wire4']);
});

test('with WireGuard on, the same packets go through the tunnel and none by VXLAN', async () => {
  const view = await encrypted();
  const states = await converge(view);
  expect(states.map((state) => state.wireguard[0]?.peers.length)).toEqual([2, 2, 2]);
  const plain = await sentByAll('vxlan.calico');
  // 1412 bytes of payload fill an MTU of 1440.
  await everyPodReachesEveryOther(1412);
  expect(await sentByAll('vxlan.calico')).toEqual(plain);
  for (const count of await sentByAll('wireguard.cali')) expect(count).toBeGreaterThanOrEqual(4);
  const worker = nodes[1];
  expect(await worker?.run(['ip', 'rule'])).toContain('99:\tnot from all fwmark 0x200000/0x200000 lookup 1');
  expect((await worker?.run(['ip', 'route', 'show', 'table', '1']))?.split(/ *\n/)).toEqual([
    '192.168.2.64 dev wireguard.cali scope link',
    '192.168.2.64/26 dev wireguard.cali scope link',
    '192.168.2.65 dev wireguard.cali scope link',
    'throw 192.168.3.64/26',
    '192.168.4.64 dev wireguard.cali scope link',
    '192.168.4.64/26 dev wireguard.cali scope link',
    '192.168.4.65 dev wireguard.cali scope link',
    '',
  ]);
  expect(await worker?.run(['wg', 'show'])).toContain('allowed ips: 192.168.2.64/26, 192.168.2.64/32, 192.168.2.65/32');
  const byKernel = (await worker?.run(['ip', 'link', 'show', 'type', 'wireguard']))?.includes('wireguard.cali');
  expect(states[1]?.wireguard[0]?.dataplane).toBe(byKernel ? 'kernel' : 'userspace');
  expect(JSON.stringify(states)).not.toContain(
    (await worker?.run(['wg', 'show', 'wireguard.cali', 'private-key']))?.trim(),
  );
});

test('what somebody breaks is noticed and repaired', async () => {
  const view = await encrypted();
  const worker = nodes[1];
  await worker?.batch(['rule del pref 99', 'rule add pref 99 from 10.0.0.0/8 lookup 1', 'rule add pref 50 lookup 1']);
  await worker?.batch(['route del 192.168.2.64/26 table 1', 'route add throw 192.168.4.66/32 table 1']);
  await worker?.batch([
    'link set dev wireguard.cali mtu 1300',
    'address flush dev wireguard.cali',
    'address add 10.9.9.9/32 dev wireguard.cali',
  ]);
  await worker?.batch(['neighbour del 192.168.2.64 dev vxlan.calico', 'link set dev vxlan.calico down']);
  await worker?.run(['wg', 'set', 'wireguard.cali', 'peer', view.nodes[0]?.wireguardPublicKey ?? '', 'remove']);
  await converge(view);
  await everyPodReachesEveryOther(1412);
});

test('other settings reach a running node', async () => {
  const settings: Partial<FelixSettings> = {
    ...felixSettings([
      {
        wireguardKeepAlive: '25s',
        wireguardMTU: 1400,
        wireguardInterfaceName: 'wg-lab',
        wireguardListeningPort: 4500,
        wireguardRoutingRulePriority: 101,
        vxlanPort: 4790,
      },
    ]),
    wireguardEnabled: true,
  };
  const view = await encrypted(settings);
  const states = await converge(view);
  const plain = await sentByAll('vxlan.calico');
  await everyPodReachesEveryOther(1372);
  expect(await sentByAll('vxlan.calico')).toEqual(plain);
  expect(states.map((state) => state.wireguard.map(({ name, listenPort }) => `${name} ${listenPort}`))).toEqual(
    Array(3).fill(['wg-lab 4500']),
  );
  expect(states[0]?.wireguard[0]?.peers.map((peer) => peer.keepalive)).toEqual([25, 25]);
});

test('with WireGuard off for one node, traffic to and from it is plaintext, and the rest is not', async () => {
  const view = await encrypted();
  const nodeViews = view.nodes.map((node, index) =>
    index === 2
      ? { ...node, wireguardEnabled: false, wireguardPublicKey: undefined, wireguardAddress: undefined }
      : node,
  );
  await converge({ ...view, nodes: nodeViews });
  const before = await sentByAll('vxlan.calico');
  await everyPodReachesEveryOther(1412);
  const after = await sentByAll('vxlan.calico');
  expect(after.map((packets, index) => packets - (before[index] ?? 0))).toEqual([2, 2, 4]);
});

test('with WireGuard off, every node is as it was before', async () => {
  const states = await converge(labView());
  expect(states.map(comparable)).toEqual(beforeEncryption.map(comparable));
  expect(states.map((state) => state.sysctls)).toEqual(beforeEncryption.map((state) => state.sysctls));
  const before = await sentByAll('vxlan.calico');
  await everyPodReachesEveryOther(1422);
  const after = await sentByAll('vxlan.calico');
  expect(after.map((packets, index) => packets - (before[index] ?? 0))).toEqual([4, 4, 4]);
});
