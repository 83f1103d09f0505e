import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeShell } from '../../src/engine/run.ts';
import { Cluster } from '../../src/kube/cluster.ts';
import { encryption } from '../../src/operations/encrypt.ts';
import { startCrdServer } from '../cni/support-server.ts';

let server: Awaited<ReturnType<typeof startCrdServer>>;
let annotations: Record<string, string>[];
let felix: Record<string, unknown>;
/** What node a's device says of itself. */
let shown: string[];

const NAMES = ['a', 'b', 'c'];
const KEY = 'projectcalico.org/WireguardPublicKey';
const ADDRESS = 'projectcalico.org/IPv4WireguardInterfaceAddr';

const peer = (i: number, handshake = 1_700_000_000) =>
  `peer\tkey-${i}\t10.0.0.${i}:51820\t192.168.${i}.0/26,192.168.${i}.9/32\t${handshake}\t1\t1\toff`;

/** Three nodes on which all is as it should be; a's device is what a test changes. */
beforeEach(async () => {
  server = await startCrdServer();
  server.serve('/api/v1', 'nodes', 'Node');
  annotations = NAMES.map((_, i) => ({ [KEY]: `key-${i}`, [ADDRESS]: `192.168.${i}.9` }));
  felix = { wireguardEnabled: true };
  shown = lines(0);
});

afterEach(() => server.close());

function lines(own: number): string[] {
  const others = NAMES.map((_, i) => i).filter((i) => i !== own);
  return [
    ...['mtu\t1440', 'up\tyes', `address\t192.168.${own}.9/32`, 'rule\t99'],
    ...others.flatMap((i) => [`route\t192.168.${i}.0/26`, `route\t192.168.${i}.9`]),
    `device\tkey-${own}\t51820\t0x200000`,
    ...others.map((i) => peer(i)),
  ];
}

const shell: NodeShell = async (node) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stdout.end((node === 'a' ? shown : lines(NAMES.indexOf(node))).join('\n'));
  stderr.end();
  const nothing = () => undefined;
  return { stdin: new PassThrough(), stdout, stderr, exited: Promise.resolve(0), kill: nothing, resize: nothing };
};

async function waitingFor(group = 'projectcalico.org/v3'): Promise<string[]> {
  server.serve(`/apis/${group}`, 'felixconfigurations', 'FelixConfiguration');
  server.serve(`/apis/${group}`, 'blockaffinities', 'BlockAffinity');
  server.objects.set(`/apis/${group}/felixconfigurations/default`, { metadata: { name: 'default' }, spec: felix });
  for (const [i, name] of NAMES.entries()) {
    const status = { addresses: [{ type: 'InternalIP', address: `10.0.0.${i}` }] };
    server.objects.set(`/api/v1/nodes/${name}`, { metadata: { name, annotations: annotations[i] }, status });
    const spec = { cidr: `192.168.${i}.0/26`, node: name, state: 'confirmed' };
    server.objects.set(`/apis/${group}/blockaffinities/${name}`, { spec });
  }
  const pending = { cidr: '192.168.77.0/26', node: 'b', state: 'pending' };
  server.objects.set(`/apis/${group}/blockaffinities/pending`, { spec: pending });
  return (await encryption(Cluster.connect(server.kubeconfig), shell)).waitingFor;
}

const without = (beginning: string) => () => {
  shown = shown.filter((line) => !line.startsWith(beginning));
};

describe.each(['projectcalico.org/v3', 'crd.projectcalico.org/v1'])(
  'the gate of readiness, with Calico in %s',
  (group) => {
    test('is open when all seven steps hold on every node', async () => {
      expect(await waitingFor(group)).toEqual([]);
    });

    test.each<[string, string, () => void]>([
      ['key', 'a to publish its key', () => delete annotations[0]?.[KEY]],
      ['address', 'a to get an address for its tunnel', () => delete annotations[0]?.[ADDRESS]],
      ['device', 'a to make its WireGuard device', () => shown.splice(0)],
      ['device up', 'the WireGuard device on a to be up', without('up')],
      ['its address', 'the tunnel address on a', without('address')],
      ['peers', 'a to know its peer c', without('peer\tkey-2')],
      ['no other peers', 'a to forget a peer that is no node', () => shown.push(peer(9))],
      ['rule', 'the ip rule on a', without('rule')],
      ['routes', 'the route to 192.168.2.9/32 on a', without('route\t192.168.2.9')],
      [
        'routes to blocks that a peer does not announce yet',
        'the route to 192.168.2.0/26 on a',
        () => {
          shown = shown.map((line) => line.replace('192.168.2.0/26,', ''));
          without('route\t192.168.2.0/26')();
        },
      ],
      ['handshakes', 'a and b to shake hands', () => shown.splice(shown.indexOf(peer(1)), 1, peer(1, 0))],
    ])('waits for %s', async (_, what, damage) => {
      damage();
      expect(await waitingFor(group)).toContain(what);
    });
  },
);

test('blocks are not waited for where nodes route single pods', async () => {
  felix.routeSource = 'WorkloadIPs';
  shown = shown.map((line) => line.replace('192.168.2.0/26,', ''));
  without('route\t192.168.2.0/26')();
  expect(await waitingFor()).toEqual([]);
});
