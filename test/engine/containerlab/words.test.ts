import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { clashesOf } from '../../../src/engine/containerlab/doctor/subnets.ts';
import { explainRun } from '../../../src/engine/containerlab/explain.ts';
import { withoutDigest } from '../../../src/engine/containerlab/images.ts';
import { inspectedIn } from '../../../src/engine/containerlab/inspect.ts';
import { kubeconfigFrom } from '../../../src/engine/containerlab/kubeconfig.ts';
import { IMPORT } from '../../../src/engine/containerlab/load-images.ts';
import { logLine, saysSomething, stepOf } from '../../../src/engine/containerlab/log-lines.ts';
import { planWithoutCluster, topologyFor } from '../../../src/engine/containerlab/plan.ts';
import { asRoot, isEnough, versionIn } from '../../../src/engine/containerlab/tool.ts';
import { parseDocuments } from '../../../src/lab/document.ts';
import { topologyOf } from '../../../src/lab/topology.ts';

/** What containerlab 0.79.0 printed where no image could be pulled (recorded; colours and margins as they came). */
const RECORDED = `20:24:39 INFO Containerlab started version=0.79.0
20:24:39 INFO Creating docker network name=clab IPv4 subnet=172.20.20.0/24 IPv6 subnet=3fff:172:20:20::/64 MTU=0
20:24:39 INFO Creating cluster "wireguard" ...
 kind-cluster=wireguard
20:24:39 INFO  • Ensuring node image (kindest/node:v1.35.0) 🖼  ...
 kind-cluster=wireguard
20:24:50 INFO  ✗ Ensuring node image (kindest/node:v1.35.0) 🖼
 kind-cluster=wireguard
20:24:50 ERRO node "wireguard" deploy: failed to pull image "kindest/node:v1.35.0": command "docker pull kindest/node:v1.35.0" failed with error: exit status 1
          
   ERROR  
          
  Deployment failed for one or more nodes: node "wireguard" deploy: failed to pull image                              `;

describe('what containerlab says', () => {
  test('becomes steps', () => {
    const steps = RECORDED.split('\n').flatMap((line) => stepOf(logLine(line)) ?? []);
    expect(steps).toEqual([
      'containerlab: Creating docker network clab',
      'containerlab: Creating cluster "wireguard"',
      'kind: Ensuring node image (kindest/node:v1.35.0)',
    ]);
    const silent = RECORDED.split('\n').filter((line) => !saysSomething(logLine(line)));
    expect(silent.map((line) => line.trim())).toEqual([...Array(3).fill('kind-cluster=wireguard'), '', 'ERROR', '']);
  });

  test.each([
    ['an image', RECORDED, 5, 'the image kindest/node:v1.35.0 is not here and cannot be pulled', 'wglab pull'],
    ['a name', 'node(s) already exist for a cluster with the name "k"', 5, '"k" already', '--name'],
    ['inotify', 'could not find a log line that matches "Reached target"', 5, 'inotify', 'fs.inotify'],
    ['no modules', 'Open /proc/modules: no such file or directory.', 4, 'no loadable modules', 'embedded'],
    ['sudo', 'sudo: a password is required', 4, 'needs root', 'sudo'],
    ['no networks', 'could not find an available, non-overlapping IPv4 address pool', 5, 'no network left', 'prune'],
    ['anything else', 'something new', 5, 'could not make the lab', 'doctor'],
  ])('is understood: %s', (_, said, exitCode, message, remedy) => {
    const failure = explainRun({ command: ['containerlab', 'deploy'], lines: said.split('\n') });
    expect(failure).toMatchObject({ exitCode, message: expect.stringContaining(message) });
    expect(failure.remedy).toContain(remedy);
    expect(failure.detail).toMatch(/^\$ containerlab deploy\n/);
  });

  test('its version, as JSON and in the banner of those before 0.70', () => {
    const json =
      '{"version":"0.79.0","commit":"none","date":"none","repository":"https://github.com/srl-labs/containerlab","releaseNotes":"https://containerlab.dev/rn/0.79/"}\n';
    const banner = ` ⠈⠙⠛⠛⠉  ⠉⠛⠛⠋⠁ ⠘⠛ \u001b[38;2;0;201;255m⠛⠃⠈⠛⠛⠙⠃\u001b[0m

    version: 0.79.0
     commit: none
       date: none
     source: https://github.com/srl-labs/containerlab
 rel. notes: https://containerlab.dev/rn/0.79/
`;
    expect([json, banner, '{"version":""}', '{}', '', 'null'].map(versionIn)).toEqual([
      ...['0.79.0', '0.79.0'],
      ...Array(4).fill(undefined),
    ]);
    expect(['0.72.0', '0.73.0', '0.79.1', '1.0.0', '0.0.0'].map(isEnough)).toEqual([false, true, true, true, true]);
  });
});

/** Of containerlab 0.79.0 for a linux node and a container that it did not make (recorded). */
const INSPECTED = `{
  "_unknown_lab_": [
    {
      "name": "rec-ext",
      "container_id": "8d32741783fa",
      "image": "rec/busybox:1",
      "kind": "ext-container",
      "state": "running",
      "status": "Up 4 seconds",
      "ipv4_address": "172.17.0.2/16",
      "ipv6_address": "N/A"
    }
  ],
  "rec": [
    {
      "lab_name": "rec",
      "labPath": "rec.clab.yml",
      "absLabPath": "/tmp/rec/rec.clab.yml",
      "name": "clab-rec-a",
      "container_id": "261a1c6d4786",
      "image": "rec/busybox:1",
      "kind": "linux",
      "state": "running",
      "status": "Up 2 seconds",
      "ipv4_address": "172.20.20.2/24",
      "ipv6_address": "3fff:172:20:20::2/64"
    }
  ]
}
`;

describe('what containerlab inspect says', () => {
  const names = (printed: string) => inspectedIn(printed).map(({ name }) => name);

  test('is read, of all labs', () => {
    expect(inspectedIn(INSPECTED)).toEqual([
      { name: 'rec-ext', kind: 'ext-container', state: 'running', status: 'Up 4 seconds' },
      { name: 'clab-rec-a', kind: 'linux', state: 'running', status: 'Up 2 seconds' },
    ]);
    expect(inspectedIn('{}\n')).toEqual([]);
  });

  test('names a node once that it lists twice, and is read as it was before 0.68', () => {
    const row = (more: object) => ({
      name: 'k-worker',
      kind: 'k8s-kind',
      state: 'running',
      status: 'healthy',
      ...more,
    });
    const twice = { _unknown_lab_: [row({ kind: 'ext-container' })], lab: [row({ lab_name: 'lab' })] };
    expect(inspectedIn(JSON.stringify(twice))).toMatchObject([{ name: 'k-worker', kind: 'k8s-kind' }]);
    const turned = { lab: [row({ lab_name: 'lab' })], _unknown_lab_: [row({ kind: 'ext-container' })] };
    expect(inspectedIn(JSON.stringify(turned))).toMatchObject([{ name: 'k-worker', kind: 'k8s-kind' }]);
    expect(names(JSON.stringify({ containers: [row({}), row({ name: 'b' })] }))).toEqual(['k-worker', 'b']);
  });

  test('of another shape is no list of containers, and no crash', () => {
    for (const odd of ['null', '[]', '{"a": 1}', '{"a": [{}]}', '{"a": [{"name": 5}]}']) expect(names(odd)).toEqual([]);
  });
});

describe('images go onto a node', () => {
  const v2 = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "fuse-overlayfs"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    snapshotter = ""
`;
  const v3 = "version = 3\n[plugins.'io.containerd.cri.v1.images']\n  snapshotter = 'native'\n";

  test.each([
    ['named in a configuration of version 2', v2, 'fuse-overlayfs'],
    ['named in one of version 3', v3, 'native'],
    ['not named', 'version = 2\n  snapshotter = ""\n', 'overlayfs'],
    ['not to be found out', undefined, 'overlayfs'],
  ])('with the snapshotter of its containerd, where that is %s', (_, dump, wanted) => {
    const bin = mkdtempSync(join(tmpdir(), 'wglab-ctr-'));
    try {
      const containerd = dump === undefined ? 'exit 1' : `cat <<'END'\n${dump}END`;
      writeFileSync(join(bin, 'containerd'), `#!/bin/sh\n${containerd}\n`, { mode: 0o755 });
      writeFileSync(join(bin, 'ctr'), '#!/bin/sh\necho "$@"\ncat\n', { mode: 0o755 });
      const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
      const said = execFileSync('sh', ['-c', IMPORT], { env, input: 'the archive' }).toString();
      expect(said).toBe(`--namespace=k8s.io images import --digests --snapshotter=${wanted} -\nthe archive`);
    } finally {
      rmSync(bin, { recursive: true });
    }
  });
});

describe('as root', () => {
  test.each([
    ['root', []],
    ['suid', []],
  ] as const)('%s needs no other program', (by, words) => {
    expect(asRoot(by)).toEqual(words);
  });

  test('sudo asks nobody without a terminal, and hands on what docker and kind need', () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///run/other.sock');
    vi.stubEnv('CLAB_TOPO', 'stray');
    try {
      const words = asRoot('sudo');
      expect(words.slice(0, 3)).toEqual(
        process.stdin.isTTY ? ['sudo', 'env', 'CLAB_VERSION_CHECK=disable'] : ['sudo', '-n', 'env'],
      );
      expect(words).toEqual(expect.arrayContaining([`PATH=${process.env.PATH}`, 'DOCKER_HOST=unix:///run/other.sock']));
      expect(words.join(' ')).not.toContain('stray');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('the files that containerlab gets', () => {
  const topology = {
    name: 'any',
    prefix: 'mine',
    topology: {
      nodes: {
        k: { kind: 'k8s-kind', 'startup-config': 'k.yml', image: 'a:1' },
        probe: {
          ...{ kind: 'linux', binds: ['files:/files:ro', '/abs:/abs', 'volume'] },
          stages: { create: { 'wait-for': [{ node: 'k', stage: 'create' }] } },
        },
      },
      links: [{ endpoints: ['probe:eth1', 'host:x'] }],
    },
  };

  test('have names of their own, absolute paths, no wait, and all else as it was', () => {
    const plan = planWithoutCluster(topology, '/labs', 'c1', 'k');
    const cluster = { key: 'k', kindConfig: {}, kindFolder: '/labs', config: {} as never };
    expect(topologyFor({ ...plan, cluster }, '/s/kind.yml', '/s/kubeconfig', 'b:2')).toEqual({
      name: 'c1',
      topology: {
        nodes: {
          c1: {
            ...{ kind: 'k8s-kind', 'startup-config': '/s/kind.yml', image: 'b:2' },
            extras: { k8s_kind: { deploy: { wait: '0s', kubeconfig: '/s/kubeconfig' } } },
          },
          probe: {
            ...{ kind: 'linux', binds: ['/labs/files:/files:ro', '/abs:/abs', 'volume'] },
            stages: { create: { 'wait-for': [{ node: 'c1', stage: 'create' }] } },
          },
        },
        links: [{ endpoints: ['probe:eth1', 'host:x'] }],
      },
    });
  });

  test("the cluster's own nodes have the names that kind gives them here, in links and waits too", () => {
    const own = { kind: 'ext-container', exec: ['ip address add 10.9.0.1/24 dev eth1'] };
    const waits = { stages: { create: { 'wait-for': [{ node: 'k-worker', stage: 'create' }] } } };
    const body = {
      nodes: { k: { 'startup-config': 'k.yml' }, 'k-worker': own, 'k-worker2': { kind: 'ext-container', ...waits } },
      links: [{ endpoints: ['k-worker:eth1', 'k-worker2:eth1'] }, { type: 'veth', endpoints: [{ node: 'k-worker' }] }],
      defaults: { kind: 'k8s-kind' },
    };
    const plan = planWithoutCluster({ name: 'any', topology: body }, '/labs', 'c1', 'k');
    expect(plan.record.linux).toEqual([]);
    const cluster = { key: 'k', kindConfig: {}, kindFolder: '/labs', config: {} as never };
    const made = topologyFor({ ...plan, cluster }, '/s/kind.yml', '/s/kubeconfig').topology as typeof body;
    expect(Object.keys(made.nodes)).toEqual(['c1', 'c1-worker', 'c1-worker2']);
    expect(JSON.stringify(made)).not.toMatch(/"k(-worker2?)?[":]/);
    expect(made.links).toEqual([
      { endpoints: ['c1-worker:eth1', 'c1-worker2:eth1'] },
      { type: 'veth', endpoints: [{ node: 'c1-worker' }] },
    ]);
  });

  test('what the embedded engine cannot make is read for containerlab', () => {
    const text = `name: small
topology:
  nodes:
    small: {kind: k8s-kind, startup-config: small.kind.yml}
    probe: {kind: linux, image: busybox}
  links: [{endpoints: ["probe:eth1", "host:x"]}]
`;
    const [document] = parseDocuments(text, '/labs/small.clab.yml');
    if (!document) throw new Error('no document');
    const { cluster, notEmbedded } = topologyOf(document);
    expect(cluster).toBe('small');
    expect(notEmbedded.map(({ message }) => message)).toEqual([
      'the embedded engine gives "probe" the links of the topology and no management network',
      'the embedded engine has no links to "host"',
    ]);
  });

  test('a kubeconfig for the published port, as kind writes it', () => {
    const admin = `apiVersion: v1
clusters: [{name: kubernetes, cluster: {server: "https://c1-control-plane:6443", certificate-authority-data: QQ==}}]
users: [{name: kubernetes-admin, user: {client-key-data: Qg==}}]
`;
    const text = kubeconfigFrom(admin, 'https://127.0.0.1:4711', 'kind-c1');
    expect(text).toContain('server: https://127.0.0.1:4711');
    expect(text).toContain('certificate-authority-data: QQ==');
    expect(text).toContain('current-context: kind-c1');
    expect(text).not.toContain('6443');
  });

  test('an image without its digest keeps its tag, and one without a tag its digest', () => {
    expect(['a/b:1@sha256:0', 'r:5000/a@sha256:0', 'a:1'].map(withoutDigest)).toEqual([
      'a/b:1',
      'r:5000/a@sha256:0',
      'a:1',
    ]);
  });
});

test('routes that clash with the networks of a lab', () => {
  const routes = 'default via 10.0.0.1 dev eth0\n192.168.1.0/24 dev wlan0 scope link\n172.18.0.0/16 dev br-1\n';
  expect(clashesOf(routes, ['192.168.0.0/16', '10.96.0.0/16'])).toEqual([
    '192.168.0.0/16 is also routed here: 192.168.1.0/24 dev wlan0 scope link',
  ]);
});
