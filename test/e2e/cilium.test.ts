import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCaptureFile } from '../../src/wire/capture-file.ts';
import { decodeFrame } from '../../src/wire/decode.ts';
import { layerOf } from '../../src/wire/packet.ts';
import { A, B, CONTROL, TestLab } from './support/lab.ts';

const TIMEOUT = 150_000;
let lab: TestLab;

beforeAll(async () => {
  lab = await TestLab.deploy('--cni', 'cilium');
}, TIMEOUT);

afterAll(() => lab?.destroy());

const agents = (...command: string[]) =>
  lab.kubectl('-n', 'kube-system', 'exec', 'ds/cilium', '--', 'cilium-dbg', ...command);

test('a lab with Cilium has its routes, and none of Calico', { timeout: TIMEOUT }, async () => {
  const routes = await lab.onNode(A, 'ip route');
  expect(routes).toMatch(/^192\.168\.2\.0\/24 via (192\.168\.1\.\d+) dev cilium_host proto kernel src \1 mtu 1450 ?$/m);
  expect(await lab.onNode(A, 'ip -o link | cut -d: -f2')).not.toMatch(/cali/);
  expect(await lab.kubectl('api-resources')).not.toMatch(/projectcalico/);
  expect(await agents('status')).toMatch(/^Encryption: +Disabled *$/m);
  expect((await lab.verify('plaintext')).status).toBe(0);
});

test('WireGuard goes on and off, and the proof holds both ways', { timeout: TIMEOUT }, async () => {
  await lab.must('encrypt', 'on', lab.name);
  expect(await lab.kubectl('get', 'ciliumnodes', '-o', 'jsonpath={.items[*].spec.encryption.key}')).toBe('255 255 255');
  expect(await agents('status')).toMatch(
    /^Encryption: +Wireguard +\[NodeEncryption: Disabled, cilium_wg0 \(Pubkey: \S{44}, Port: 51871, Peers: 2\)\]$/m,
  );
  expect(await lab.onNode(A, 'wg show cilium_wg0 allowed-ips | cut -f2 | sort')).toBe('172.18.0.2/32\n172.18.0.4/32');
  const { status, result } = await lab.verify('encrypted');
  expect(status, result.summary).toBe(0);
});

test('a ping in VXLAN in WireGuard has 176 bytes, and nothing of VXLAN is on the wire', {
  timeout: TIMEOUT,
}, async () => {
  const file = join(lab.folder, 'ping.pcap');
  const capturing = lab.must('capture', '--lab', lab.name, '--node', A, '-c', '60', '-w', file);
  const [address] = (
    await lab.kubectl('get', 'pods', '-n', 'nc', '-o', `jsonpath={.items[?(@.spec.nodeName=="${B}")].status.podIP}`)
  ).split(' ');
  const pod = await lab.kubectl(
    'get',
    'pods',
    '-n',
    'nc',
    '-o',
    `jsonpath={.items[?(@.spec.nodeName=="${A}")].metadata.name}`,
  );
  await lab.kubectl('exec', '-n', 'nc', pod, '--', 'ping', '-i', '0.1', '-c', '40', address ?? '');
  await capturing;
  const sizes: number[] = [];
  const ports = new Set<number>();
  for await (const frames of readCaptureFile(file)) {
    for (const frame of frames) {
      const udp = layerOf(decodeFrame(frame), 'udp');
      if (!udp) continue;
      ports.add(udp.destinationPort);
      sizes.push(udp.datagramLength - 8);
    }
  }
  expect([...ports]).toEqual([51871]);
  expect(sizes.filter((size) => size === 176).length).toBeGreaterThanOrEqual(20);
});

test('an overlay that goes around WireGuard on one node is found', { timeout: TIMEOUT }, async () => {
  const rule = 'priority 1 iif lo ipproto udp dport 8472 lookup 201';
  await lab.onNode(A, `ip rule del ${rule}`);
  const { status, result } = await lab.verify('encrypted');
  expect(status).toBe(1);
  const observed = (from: string, to: string) =>
    result.pairs.find((pair) => pair.from === from && pair.to === to)?.observation;
  expect(observed(A, B)).toBe('plaintext');
  await lab.onNode(A, `ip rule add ${rule}`);
  expect((await lab.verify('encrypted')).status).toBe(0);
});

test('without its peer a node drops, and sends nothing in plaintext', { timeout: TIMEOUT }, async () => {
  const key = (await lab.onNode(A, "wg show cilium_wg0 endpoints | sed -n 's/\\t172.18.0.4:.*//p'")).trim();
  await lab.onNode(A, 'wg set cilium_wg0 peer "$1" remove', key);
  const { status, result } = await lab.verify('encrypted');
  expect(status).toBe(3);
  expect(result.pairs.find(({ from, to }) => from === A && to === B)?.observation).toBe('inconclusive');
  // An agent that starts again makes its node right again.
  await lab.kubectl(
    '-n',
    'kube-system',
    'delete',
    'pods',
    '-l',
    'k8s-app=cilium',
    '--field-selector',
    `spec.nodeName=${A}`,
  );
  await lab.kubectl('-n', 'kube-system', 'rollout', 'status', 'ds/cilium');
  await lab.must('encrypt', 'on', lab.name); // returns once all peers have shaken hands again
  const again = await lab.verify('encrypted');
  expect(again.status, again.result.summary).toBe(0);
});

test('WireGuard that is turned off leaves no device, and plaintext returns', { timeout: TIMEOUT }, async () => {
  await lab.must('encrypt', 'off', lab.name);
  expect((await lab.verify('plaintext')).status).toBe(0);
  for (const node of [CONTROL, A, B])
    expect(await lab.onNode(node, 'ip link show cilium_wg0 2> /dev/null || echo gone')).toBe('gone');
});
