import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ExitCode, Failure } from '../../src/errors.ts';
import { readLab } from '../../src/lab/lab.ts';
import { findLab, listLabs } from '../../src/lab/lab-definition.ts';
import { placeOfField, readManifests } from '../../src/lab/manifests.ts';
import { packageRoot } from '../../src/lab/package-root.ts';
import { checkLabName } from '../../src/state/lab-name.ts';
import { LABS } from '../e2e/support/labs.ts';
import { FIXTURE } from './fixture.ts';

describe('the labs of the repository', () => {
  test('are all read, with every file that they name', async () => {
    expect((await listLabs()).map((lab) => lab.name)).toEqual(LABS);
    const { topology, cluster, calico, workloads } = await readLab('wireguard');
    expect(topology.cluster).toBe('wireguard');
    expect(topology.image).toMatch(/^kindest\/node:v1\.35\.0@sha256:[0-9a-f]{64}$/);
    expect(cluster.nodes.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'wireguard-control-plane control-plane',
      'wireguard-worker worker',
      'wireguard-worker2 worker',
    ]);
    expect(cluster.podSubnet).toBe('192.168.0.0/16');
    expect(cluster.serviceSubnet).toBe('10.96.0.0/16');
    expect(calico?.pools).toMatchObject([
      { cidr: '192.168.0.0/16', blockSize: 26, encapsulation: 'VXLAN', natOutgoing: 'Enabled' },
    ]);
    expect(calico?.felix.default?.wireguardEnabled).toBe(false);
    expect(workloads.map(({ object }) => `${object.kind} ${object.metadata.name}`)).toEqual(
      expect.arrayContaining(['Service backend', 'Deployment backend', 'Deployment frontend']),
    );
    await readLab('nc');
  });

  test('hold no secret that does not say that it is fake', async () => {
    const text = await readFile(join(packageRoot(), 'manifests/frontend-backend.yaml'), 'utf8');
    const secrets = [
      ...text.matchAll(/"(?:password|[a-z_]*(?:key|secret|key_id|url))": "([^"]*)"|(?:X-API-Key: |session=)([^'\s]*)/g),
    ];
    expect(secrets.length).toBeGreaterThanOrEqual(10);
    for (const [, json, header] of secrets) expect(json ?? header).toMatch(/fake/i);
  });
});

test('a lab is found by name or path, and otherwise the labs are named', async () => {
  expect((await findLab(join(packageRoot(), 'labs/wireguard.md'))).title).toBe((await findLab('wireguard')).title);
  await expect(findLab('wiregard')).rejects.toMatchObject({
    exitCode: ExitCode.usage,
    message: 'there is no lab "wiregard"; did you mean "wireguard"?',
    remedy: expect.stringContaining(LABS.join(', ')),
  });
  await expect(findLab('../nowhere')).rejects.toMatchObject({ exitCode: ExitCode.usage });
});

test('names of deployments', () => {
  for (const name of ['a', 'lab-1', '0', 'a'.repeat(40)]) expect(checkLabName(name)).toBe(name);
  for (const name of ['', '../x', 'x/y', '.', 'Lab', 'lab_1', '-a', 'a-', 'a'.repeat(41), 'a\n', 'ä', 'lab.lock']) {
    expect(() => checkLabName(name), name).toThrow(expect.objectContaining({ exitCode: ExitCode.usage }));
  }
  expect(() => checkLabName('../x')).toThrow('"../x" cannot be the name of a lab');
});

describe('broken files', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'wglab-inputs-'));
  });
  beforeEach(async () => {
    for (const { file, text } of Object.values(FIXTURE)) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), text);
    }
  });
  afterAll(() => rm(root, { recursive: true }));

  /** Puts `to` where `from` is in a file, reads the lab, and gives what it failed with; places without the folder. */
  async function failureWith(file: keyof typeof FIXTURE, from: string | RegExp, to: string): Promise<Failure> {
    const after = FIXTURE[file].text.replace(from, to);
    expect(after, 'nothing was replaced').not.toBe(FIXTURE[file].text);
    await writeFile(join(root, FIXTURE[file].file), after);
    try {
      await readLab(join(root, FIXTURE.lab.file));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      expect(error.exitCode).toBe(ExitCode.usage);
      expect(error.remedy).toBeTruthy();
      return error;
    }
    throw new Error('nothing was found wrong');
  }

  test.each<[what: string, file: keyof typeof FIXTURE, from: string | RegExp, to: string, ...messages: string[]]>([
    [
      'a misspelt key',
      'topology',
      'startup-config:',
      'startup_config:',
      '8:7: unknown key "startup_config" in topology.nodes.small; did you mean "startup-config"?',
    ],
    [
      'a misspelt key at the top',
      'topology',
      'topology:',
      'Topolgy:',
      '1:1: the key "topology" is missing',
      '2:1: unknown key "Topolgy"; did you mean "topology"?',
    ],
    ['a key far from any', 'topology', 'name: small', 'name: small\nzzzzzz: 1', '2:1: unknown key "zzzzzz"'],
    [
      'a list for a map',
      'topology',
      /nodes:\n[\s\S]*/,
      'nodes: [a]\n',
      '3:10: topology.nodes must be a map, not a list',
    ],
    [
      'a wait that is none',
      'topology',
      'wait: 0s',
      'wait: soon',
      '9:42: topology.nodes.small.extras.k8s_kind.deploy.wait must be a time such as 0s or 5m',
    ],
    [
      'another kind of node',
      'topology',
      'kind: k8s-kind',
      'kind: srl',
      '5:5: the node "small" is of kind "srl", a network operating system, which would need an image that wglab cannot look into; wglab makes nodes of kind k8s-kind and linux, and takes those of its cluster as ext-container',
    ],
    [
      'no kind',
      'topology',
      'kind: k8s-kind',
      'type: big',
      '5:5: the node "small" has no kind; wglab makes nodes of kind k8s-kind and linux, and takes those of its cluster as ext-container',
    ],
    [
      'two clusters',
      'topology',
      '    small:',
      '    other: {kind: k8s-kind}\n    small:',
      '6:5: "small" is a second cluster; wglab makes one cluster a lab, here "other"',
    ],
    ['no nodes', 'topology', /nodes:\n[\s\S]*/, 'nodes: {}\n', '3:10: there is no node of kind k8s-kind'],
    [
      'a name that kind refuses',
      'topology',
      '    small:',
      '    Small:',
      '5:5: "Small" cannot name a kind cluster; it may have up to 47 small letters, digits, dots and hyphens',
    ],
    [
      'a URL',
      'topology',
      'small.kind.yml',
      'https://example.com/k.yml',
      '8:23: topology.nodes.small.startup-config must be the path of a file; wglab reads no URL, no text in place, and no variables',
    ],
    [
      'no startup-config',
      'topology',
      /startup-config: .*/,
      '',
      '5:5: the node "small" has no startup-config; wglab needs its kind configuration',
    ],
    [
      'a link to nowhere',
      'topology',
      /$/,
      '  links: [{endpoints: ["a:eth1", "b:eth1"]}]\n',
      '10:24: there is no node "a"',
      '10:34: there is no node "b"',
    ],
    [
      'a linux node with the name of one of the cluster',
      'topology',
      '    small:',
      '    small-worker2: {kind: linux, image: a}\n    small:',
      '5:5: "small-worker2" is the name of a node of the cluster, too',
    ],

    [
      'a misspelt key',
      'kind',
      'podSubnet',
      'podSubnets',
      '5:3: unknown key "podSubnets" in networking; did you mean "podSubnet"?',
    ],
    [
      'a misspelt role',
      'kind',
      'role: control-plane',
      'role: controlplane',
      '7:11: nodes[0].role must be "control-plane" or "worker", not "controlplane"; did you mean "control-plane"?',
    ],
    [
      'another version',
      'kind',
      'v1alpha4',
      'v1alpha3',
      '2:13: apiVersion must be "kind.x-k8s.io/v1alpha4", not "kind.x-k8s.io/v1alpha3"; did you mean "kind.x-k8s.io/v1alpha4"?',
    ],
    [
      'a default CNI',
      'kind',
      'disableDefaultCNI: true',
      'disableDefaultCNI: false',
      '4:3: networking.disableDefaultCNI must be true; the lab brings its own CNI',
    ],
    [
      'a default CNI by omission',
      'kind',
      'disableDefaultCNI: true',
      'dnsSearch: []',
      '3:1: networking.disableDefaultCNI must be true; the lab brings its own CNI',
    ],
    [
      '0 workers',
      'kind',
      / {2}- role: worker\n[\s\S]*/,
      '',
      '6:1: there are 0 workers; without a second node for pods nothing crosses a wire that one could look at',
    ],
    [
      'no control plane',
      'kind',
      'role: control-plane',
      'role: worker',
      '6:1: there is no control-plane node; a cluster needs one',
    ],
    [
      'no network',
      'kind',
      '192.168.0.0/16',
      '192.168.0.0',
      '5:14: networking.podSubnet: "192.168.0.0" is not a network such as 10.244.0.0/16',
    ],
    [
      'an address',
      'kind',
      '192.168.0.0/16',
      '192.168.1.0/16',
      '5:14: networking.podSubnet: "192.168.1.0/16" is an address in a network, not a network; the bits after /16 must be 0',
    ],
    [
      'the other family',
      'kind',
      '192.168.0.0/16',
      'fd00::/64',
      '5:14: networking.podSubnet must be one IPv4 network, as ipFamily is ipv4; it is "fd00::/64"',
    ],
    [
      'overlap with the services',
      'kind',
      '192.168.0.0/16',
      '10.96.0.0/12\n  serviceSubnet: 10.100.0.0/16',
      '5:14: podSubnet 10.96.0.0/12 (topologies/small.kind.yml:5:14) and serviceSubnet 10.100.0.0/16 (topologies/small.kind.yml:6:18) overlap',
    ],
    [
      "overlap with kind's default services",
      'kind',
      '192.168.0.0/16',
      '10.0.0.0/8',
      "5:14: podSubnet 10.0.0.0/8 (topologies/small.kind.yml:5:14) and serviceSubnet 10.96.0.0/16 (kind's default) overlap",
    ],
    [
      'overlap with the nodes',
      'kind',
      '192.168.0.0/16',
      '172.16.0.0/12',
      '5:14: podSubnet 172.16.0.0/12 (topologies/small.kind.yml:5:14) and the network of the nodes 172.18.0.0/16 overlap',
    ],

    [
      'another pool',
      'installation',
      '192.168.0.0/16',
      '10.1.0.0/16',
      "9:15: the pool 10.1.0.0/16 is not the cluster's podSubnet 192.168.0.0/16 (topologies/small.kind.yml:5:14)",
    ],
    [
      'a block larger than the pool',
      'installation',
      'blockSize: 26',
      'blockSize: 12',
      '10:20: a block of /12 does not fit: it must be from /20 to /32 in a pool of /16',
    ],
    [
      'a misspelt field',
      'installation',
      'encapsulation',
      'encapsulations',
      '9:9: the key "encapsulation" is missing in spec.calicoNetwork.ipPools[0]',
      '11:9: unknown key "encapsulations" in spec.calicoNetwork.ipPools[0]; did you mean "encapsulation"?',
    ],
    [
      'a value in small letters',
      'installation',
      'VXLAN',
      'vxlan',
      '11:24: spec.calicoNetwork.ipPools[0].encapsulation must be "VXLAN" or "VXLANCrossSubnet" or "IPIP" or "IPIPCrossSubnet" or "None", not "vxlan"; did you mean "VXLAN"?',
    ],
    [
      'no Installation',
      'installation',
      'kind: Installation',
      'kind: Installations',
      '1:1: there is no Installation among the CNI manifests, which says how Calico is to be installed',
    ],
    [
      'a misspelt field',
      'felix',
      'wireguardEnabled',
      'wireGuardEnable',
      '6:3: unknown key "wireGuardEnable" in spec; did you mean "wireguardEnabled"?',
    ],
    [
      'text for a boolean',
      'felix',
      'false',
      '"false"',
      '6:21: spec.wireguardEnabled must be true or false, not "false"',
    ],
    [
      'a long interface name',
      'felix',
      'wireguardEnabled: false',
      'wireguardInterfaceName: wireguard.calico0',
      '6:27: spec.wireguardInterfaceName must be 1 to 15 letters, digits, dots, hyphens or underscores',
    ],
    [
      'a name that Felix does not look at',
      'felix',
      'name: default',
      'name: defaults',
      '4:9: metadata.name must be "default", or "node." and the name of a node',
    ],

    ['no kind', 'workload', 'kind: Namespace\n', '', '1:1: the key "kind" is missing'],
    ['no name', 'workload', 'name: small', 'namespace: default', '3:1: the key "name" is missing in metadata'],
    [
      'an object twice',
      'workload',
      'name: client',
      'name: web',
      '18:1: Pod "web" is here a second time; the first is at manifests/workload.yaml:6:1',
    ],
    [
      'a List',
      'workload',
      'kind: Pod',
      'kind: List',
      '7:7: kind List is not read; write each of its items as a document of its own, with --- between them',
    ],
    ['a value for an object', 'workload', /[\s\S]+/, 'hello\n', '1:1: this file must be a map, not "hello"'],
    ['nothing', 'workload', /[\s\S]+/, '# empty\n', '1:1: there is no Kubernetes object here'],

    [
      'a misspelt key',
      'lab',
      'workloads:',
      'workload:',
      '2:1: the key "workloads" is missing',
      '8:1: unknown key "workload"; did you mean "workloads"?',
    ],
    [
      'another CNI',
      'lab',
      'name: calico',
      'name: flannel',
      '6:9: cni.name must be "calico" or "cilium", not "flannel"',
    ],
    [
      'another engine',
      'lab',
      'engines: [embedded',
      'engines: [embeded',
      '10:11: engines[0] must be "embedded" or "containerlab" or "kubernetes", not "embeded"; did you mean "embedded"?',
    ],
    ['minutes that are none', 'lab', 'minutes: 5', 'minutes: few', '3:10: minutes must be a number, not "few"'],
    [
      'files that are not there',
      'lab',
      /small\.clab|workload\.yaml/g,
      'gone',
      '4:11: there is no file topologies/gone.yml',
      '9:5: there is no file manifests/gone',
    ],
    [
      'no front matter',
      'lab',
      /^---/,
      '',
      '1:1: a lab begins with front matter: a line ---, what the lab consists of as YAML, and a line ---',
    ],
    [
      'front matter without end',
      'lab',
      /engines: [\s\S]*/,
      '',
      '1:1: the front matter does not end; close it with a line ---',
    ],
  ])('%s in the %s file', async (_, file, from, to, ...messages) => {
    const failure = await failureWith(file, from, to);
    const expected = messages.map((message) => `${FIXTURE[file].file}:${message}`);
    expect(failure.message.replaceAll(`${root}/`, '').split('\n')).toEqual(expected);
  });

  test('a kind configuration that is not there is named where the topology names it', async () => {
    await rm(join(root, FIXTURE.kind.file));
    await expect(readLab(join(root, FIXTURE.lab.file))).rejects.toThrow(
      `${root}/topologies/small.clab.yml:8:23: there is no file ${root}/topologies/small.kind.yml`,
    );
  });

  test('an object may not be among the CNI manifests and the workloads', async () => {
    await writeFile(join(root, FIXTURE.workload.file), FIXTURE.felix.text);
    await expect(readLab(join(root, FIXTURE.lab.file))).rejects.toThrow(
      'FelixConfiguration "default" is here a second time',
    );
  });

  test('what a node does not say itself it has from its group, its kind or the defaults', async () => {
    const topology = `name: small
topology:
  defaults: {kind: k8s-kind, image: from-defaults}
  kinds: {k8s-kind: {image: from-kind}}
  groups: {g: {startup-config: small.kind.yml}}
  nodes: {small: {group: g}}
`;
    await writeFile(join(root, FIXTURE.topology.file), topology);
    const lab = await readLab(join(root, FIXTURE.lab.file));
    expect(lab.topology).toMatchObject({
      cluster: 'small',
      image: 'from-kind',
      kindConfig: join(root, FIXTURE.kind.file),
    });
    expect(lab.cluster.nodes.at(-1)).toEqual({ name: 'small-worker2', role: 'worker', labels: { zone: 'b' } });
  });

  test('the API server can be told where the fields are that it does not know', async () => {
    const file = join(root, FIXTURE.workload.file);
    const [, web] = await readManifests([file]);
    if (!web) throw new Error('no pod');
    expect(placeOfField(web, 'spec.containers[0].image')).toEqual({ file, line: 15, column: 7 });
    expect(placeOfField(web, 'metadata.labels[app.kubernetes.io/name]')).toEqual({ file, line: 11, column: 5 });
    expect(placeOfField(web, 'spec.nowhere.at[3].all')).toEqual({ file, line: 12, column: 1 });
  });
});
