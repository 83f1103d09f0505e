import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExitCode } from '../../src/errors.ts';
import { Cluster } from '../../src/kube/cluster.ts';
import { diagnoseCluster } from '../../src/operations/diagnose.ts';
import type { NodeShell } from '../../src/process/node-shell.ts';
import { UnprobedNode } from '../../src/process/node-shell.ts';
import { startCrdServer } from '../cni/support-server.ts';

let server: Awaited<ReturnType<typeof startCrdServer>>;

beforeEach(async () => {
  server = await startCrdServer();
  server.serve('/api/v1', 'nodes', 'Node');
  server.objects.set('/api/v1/namespaces/x/pods/none', { metadata: {} });
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    server.objects.set(`/api/v1/nodes/${name}`, {
      metadata: { name },
      status: { addresses: [{ type: 'InternalIP', address: `10.0.0.${i + 1}` }] },
    });
  }
});

afterEach(() => server.close());

function calicoIn(group: string): void {
  server.serve(`/apis/${group}`, 'felixconfigurations', 'FelixConfiguration');
  server.serve(`/apis/${group}`, 'blockaffinities', 'BlockAffinity');
  const felix = { metadata: { name: 'default' }, spec: { wireguardEnabled: true, wireguardListeningPort: 51999 } };
  server.objects.set(`/apis/${group}/felixconfigurations/default`, felix);
  server.objects.set(`/apis/${group}/blockaffinities/x`, { spec: { cidr: '192.168.0.0/26', node: 'a' } });
}

/** A node that has WireGuard and no device; b has no probe, and c breaks off. */
const shell: NodeShell = async (node, [, , , asked]) => {
  if (node === 'b') throw new UnprobedNode('b', 'it runs windows');
  if (node === 'c') throw new Error('connection reset');
  const stdout = new PassThrough();
  const said =
    'kernel\t6.1.0\nwireguard\tkernel\nunderlay\teth0\t1500\nforwards\t0\niptables\tfilter\t-A INPUT -p udp -j DROP\n';
  stdout.end(asked === 'show' ? '' : said);
  const stderr = new PassThrough();
  stderr.end();
  const nothing = () => undefined;
  return { stdin: new PassThrough(), stdout, stderr, exited: Promise.resolve(0), kill: nothing, resize: nothing };
};

test.each(['projectcalico.org/v3', 'crd.projectcalico.org/v1'])(
  'with Calico in %s alone, nodes that cannot be asked are named and the others judged',
  async (group) => {
    calicoIn(group);
    const { findings, unprobed } = await diagnoseCluster(Cluster.connect(server.kubeconfig), shell);
    expect(unprobed).toEqual([
      { node: 'b', reason: 'it runs windows' },
      { node: 'c', reason: 'connection reset' },
    ]);
    const judged = findings.filter(({ ok }) => ok !== null).map(({ check, node, ok }) => [check, node, ok]);
    expect(judged).toEqual([
      ['kernel', 'a', true],
      ...['a', 'b', 'c'].map((node) => ['felix configuration', node, true]),
      ['device', 'a', false],
      ['firewall', 'a', false],
      ['forwarding', 'a', false],
    ]);
    expect(findings.find(({ check }) => check === 'firewall')).toMatchObject({
      seen: 'iptables -t filter -A INPUT -p udp -j DROP',
      expected: expect.stringContaining('51999'),
    });
  },
);

test('a cluster without Calico lacks what could be diagnosed', async () => {
  const failure = await diagnoseCluster(Cluster.connect(server.kubeconfig), shell).catch((error) => error);
  expect(failure).toMatchObject({ exitCode: ExitCode.lacking, message: expect.stringContaining('no Calico') });
});

test('where the cluster is dual stack, IPv6 has rows of its own, with its own setting, port, networks and device', async () => {
  calicoIn('projectcalico.org/v3');
  const { objects } = server;
  for (const [i, name] of ['a', 'b'].entries()) {
    const node = objects.get(`/api/v1/nodes/${name}`) as { metadata: object };
    const annotations = { 'projectcalico.org/IPv6Address': `fc00::${i + 1}/64` };
    objects.set(`/api/v1/nodes/${name}`, { ...node, metadata: { ...node.metadata, annotations } });
  }
  objects.set('/apis/projectcalico.org/v3/blockaffinities/six', { spec: { cidr: 'fd00::/122', node: 'b' } });
  const asked: string[][] = [];
  const both: NodeShell = async (node, argv, options) => {
    asked.push([node, ...argv.slice(3)]);
    return shell(node === 'b' ? 'a' : node, argv, options);
  };
  const { findings } = await diagnoseCluster(Cluster.connect(server.kubeconfig), both);
  const six = findings.filter(({ check }) => check.startsWith('IPv6 '));
  expect(findings.slice(-six.length)).toEqual(six);
  expect(six.map(({ node }) => node)).not.toContain('c');
  expect(six[0]).toMatchObject({
    check: 'IPv6 felix configuration',
    ok: false,
    seen: expect.stringMatching(/^wireguardEnabledV6: false/),
  });
  expect(asked).toContainEqual(['a', 'show', 'wg-v6.cali', '-6']);
  expect(asked).toContainEqual(['b', 'ask', '51821', 'fc00::2', '99', '-6', 'ip6tables', 'wg-v6.cali', '']);
  expect(asked).toContainEqual(['a', 'ask', '51999', '10.0.0.1', '99', '-4', 'iptables', 'wireguard.cali', '']);
});
