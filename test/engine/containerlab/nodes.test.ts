import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UNPACK } from '../../../src/engine/containerlab/capture-tools.ts';
import { hasHostsBlock, removeHostsBlock, withoutBlock } from '../../../src/engine/containerlab/hosts-block.ts';
import { fullName, LIST } from '../../../src/engine/containerlab/load-images.ts';
import { faultsIn } from '../../../src/engine/containerlab/node-faults.ts';
import { watchNodes } from '../../../src/engine/containerlab/node-watch.ts';
import { fakeDocker } from './support/fake-docker.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wglab-nodes-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('images wait for containerd', () => {
  /** A ctr that cannot reach its socket a few times, in the words of the real one. */
  function ctr(failures: number) {
    writeFileSync(
      join(folder, 'ctr'),
      `#!/bin/sh
echo x >> "${folder}/calls"
[ "$(wc -l < "${folder}/calls")" -gt ${failures} ] ||
  { echo 'ctr: cannot access socket /run/containerd/containerd.sock: no such file or directory' >&2; exit 1; }
echo "$@"
`,
      { mode: 0o755 },
    );
  }
  const list = (seconds: string) =>
    execFileSync('sh', ['-c', LIST, 'list', seconds], {
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    }).toString();

  test('that does not answer yet', () => {
    ctr(3);
    expect(list('60')).toBe('--namespace=k8s.io images list --quiet\n');
  });

  test('for no longer than they say', () => {
    ctr(1000);
    expect(() => list('1')).toThrow('containerd did not answer within 1 s');
  });

  test.each([
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    ['nicolaka/netshoot:v0.16', 'docker.io/nicolaka/netshoot:v0.16'],
    ['quay.io/calico/node:v3.32.1', 'quay.io/calico/node:v3.32.1'],
    ['localhost:5000/x', 'localhost:5000/x'],
  ])('%s is looked for as %s', (image, name) => expect(fullName(image)).toBe(name));
});

describe('what keeps a node from coming up', () => {
  const kubelet = (err: string) => `kubelet\tE1127 15:40:12.123456     231 run.go:72] "command failed" err="${err}"`;

  test('is what its kubelet or containerd says, and how often', () => {
    const wrong = 'failed to run Kubelet: misconfiguration: kubelet cgroup driver: \\"systemd\\"';
    const said = [
      kubelet(
        'failed to load kubelet config file, path: /var/lib/kubelet/config.yaml, error: no such file or directory',
      ),
      kubelet(wrong),
      kubelet(wrong),
      'containerd\ttime="2026-11-27T15:40:12Z" level=fatal msg="failed to load plugins" error=x',
      'containerd\ttime="2026-11-27T15:40:12Z" level=info msg="starting"',
    ];
    expect(faultsIn(said.join('\n'))).toEqual([
      { who: 'kubelet', why: 'failed to run Kubelet: misconfiguration: kubelet cgroup driver: "systemd"', count: 2 },
      { who: 'containerd', why: 'failed to load plugins', count: 1 },
    ]);
  });

  test('is a static pod that exits again and again, but not one that did so twice', () => {
    const exited = (name: string, attempt: number) => `exited\t${name}\t${attempt}\tpanic: no space left on device`;
    expect(faultsIn([exited('etcd', 3), exited('kube-apiserver', 1), exited('calico-node', 9)].join('\n'))).toEqual([
      { who: 'etcd', why: 'it has exited 4 times: panic: no space left on device', count: 4 },
    ]);
  });

  test("is said at once, the nodes' logs are kept, and a hopeless one ends the wait", async () => {
    const fake = await fakeDocker({ nodeSays: Array(6).fill(kubelet('no cgroups')).join('\n') });
    const info: string[] = [];
    const logs = join(folder, 'logs');
    const watch = watchNodes(['c1-control-plane', 'c1-worker'], logs, (text) => info.push(text));
    try {
      await expect.poll(() => watch.hopeless.aborted, { timeout: 30_000 }).toBe(true);
    } finally {
      await watch.end();
      await fake.remove();
    }
    expect(info).toEqual(['c1-control-plane does not come up: kubelet: no cgroups']);
    expect(watch.hopeless.reason).toMatchObject({
      exitCode: 5,
      message: 'c1-control-plane does not come up: kubelet: no cgroups',
      detail: `The nodes' logs are in ${logs}`,
    });
    expect(existsSync(join(logs, 'c1-worker.log'))).toBe(true);
  });
});

describe("containerlab's block in /etc/hosts", () => {
  const block = (lab: string) => [
    `###### CLAB-${lab}-START ######`,
    '172.20.20.2\tclab-x-a\ta 8d1b\t# Kind: linux',
    `###### CLAB-${lab}-END ######`,
  ];

  test('is removed, and nothing else', async () => {
    const file = join(folder, 'hosts');
    const other = ['127.0.0.1\tlocalhost', ...block('kx-2'), '::1\tip6-localhost', ''];
    writeFileSync(file, ['127.0.0.1\tlocalhost', ...block('kx'), ...other.slice(1)].join('\n'));
    await removeHostsBlock('kx', [], file);
    expect(readFileSync(file, 'utf8')).toBe(other.join('\n'));
    expect([await hasHostsBlock('kx', file), await hasHostsBlock('kx-2', file)]).toEqual([false, true]);
  });

  test('without an end is left to the person, for what follows may be theirs', () => {
    expect(withoutBlock([...block('kx').slice(0, 2), '10.0.0.1 mine'].join('\n'), 'kx')).toBeUndefined();
  });

  test('of a lab that was killed twice is removed twice', () => {
    expect(withoutBlock([...block('kx'), 'mine', ...block('kx'), ''].join('\n'), 'kx')).toBe('mine\n');
  });
});

test.each([
  [
    "Debian's, which wants a user that a node does not have",
    '[ "$1" != -Z ] || [ "$2" = root ] || exit 1',
    '-Z root -i eth0',
  ],
  ['one that knows no users', '[ "$1" != -Z ] || exit 1', '-i eth0'],
])('a tcpdump on a node works as typed: %s', (_, check, given) => {
  const tools = join(folder, 'tools');
  mkdirSync(tools);
  for (const name of ['tcpdump', 'wg'])
    writeFileSync(join(tools, name), `#!/bin/sh\n${check}\necho "$@"\n`, { mode: 0o755 });
  const tar = execFileSync('tar', ['-C', tools, '-cf', '-', '.']);
  // The commands go where a node has them on its PATH.
  const script = UNPACK.replaceAll('/usr/local/bin', join(folder, 'bin'));
  execFileSync('sh', ['-c', script, 'unpack', join(folder, 'wglab')], { input: tar });
  expect(execFileSync(join(folder, 'bin/tcpdump'), ['-i', 'eth0']).toString()).toBe(`${given}\n`);
  expect(execFileSync(join(folder, 'bin/wg'), ['show']).toString()).toBe('show\n');
});
