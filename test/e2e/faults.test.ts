import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pathWithout } from './support/poor-path.ts';
import { memoryOf } from './support/processes.ts';
import { until } from './support/until.ts';
import { Home, killIfThere } from './support/wglab.ts';

let home: Home;

beforeEach(() => {
  home = new Home();
});

afterEach(() => home.dispose());

describe('a machine that lacks something', () => {
  it.each([
    ['ip', 'iproute2'],
    ['tcpdump', 'tcpdump'],
    ['wg', 'wireguard-tools'],
    ['wireguard-go', 'wireguard-go'],
    ['busybox', 'busybox-static'],
    ['openssl', 'openssl'],
    ['unshare', 'util-linux'],
    ['nsenter', 'util-linux'],
  ])('names %s, and the package %s that brings it', async (tool, packageName) => {
    const poor = new Home({ folder: home.folder, environment: { PATH: pathWithout(tool) } });
    const { stderr } = await poor.expects(4, ['deploy']);
    expect(stderr).toMatch(new RegExp(`lacks.* ${tool} .*package ${packageName}`));
    expect(stderr).toMatch(new RegExp(`apt-get install.*${packageName}`));
    expect(home.census().processes).toEqual([]);
    expect(readdirSync(home.folder)).toEqual([]);
  });

  it('says so where the state folder cannot be written', async () => {
    const file = join(home.folder, 'file');
    execFileSync('touch', [file]);
    const { stderr } = await new Home({ folder: join(file, 'state') }).expects(4, ['deploy']);
    expect(stderr).toMatch(/part of the path is a file/);
    rmSync(file);
    home.expectNothingLeft(home.census());
  });

  it('says so where the disk is full, at any file, and leaves nothing', async () => {
    for (const kilobytes of [4, 8, 12]) {
      const script = `mount -t tmpfs -o size=${kilobytes}k,mode=700 tmpfs "$WGLAB_HOME" && { "$@"; s=$?; find "$WGLAB_HOME" -mindepth 1; exit $s; }`;
      const full = new Home({
        folder: home.folder,
        as: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'],
      });
      const before = home.census();
      const { stdout, stderr } = await full.expects(4, ['deploy']);
      expect(stderr, `${kilobytes} KiB`).toContain('the disk is full');
      expect(stderr).not.toContain('bug in wglab');
      expect(stdout, 'files that are left').toBe('');
      home.expectNothingLeft(before);
    }
  });
});

interface Status {
  nodes: { name: string; ready: boolean }[];
  pods: { name: string; ready: boolean; node: string; phase: string }[];
}

async function status(): Promise<Status> {
  return JSON.parse((await home.expects(0, ['status', '-o', 'json'])).stdout);
}

const isAnchor = ({ command }: { command: string }) => / keeper( |$)/.test(command);

/** The processes that hold nodes and pods: children of the engine, in the order of their making: nodes first. */
function anchors(): number[] {
  return home
    .census()
    .processes.filter(isAnchor)
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);
}

describe('a part of the lab that dies by itself', () => {
  it('a node: it is NotReady, its pods are not ready, verify does not pass, and the rest goes on', async () => {
    await home.expects(0, ['deploy']);
    const [, , third = 0] = anchors();
    killIfThere(third);
    await until('a node to be NotReady', async () => (await status()).nodes.some(({ ready }) => !ready));
    const { nodes, pods } = await status();
    const [lost, ...others] = nodes.filter(({ ready }) => !ready);
    expect(others).toEqual([]);
    expect(pods.filter(({ node, ready }) => node === lost?.name && ready)).toEqual([]);
    expect(pods.filter(({ node, ready }) => node !== lost?.name && !ready)).toEqual([]);
    const { stderr } = await home.run(['exec', lost?.name ?? '', '--', 'true']);
    expect(stderr).toContain('does not run');
    const { status: verdict } = await home.run(['verify', '--expect', 'plaintext']);
    expect(verdict).not.toBe(0);
    await home.destroy();
  });

  it('a container: it is started again, and so is a pod whose network went', async () => {
    await home.expects(0, ['deploy']);
    const before = home.census().processes;
    const [, , , sandbox = 0] = anchors();
    killIfThere(sandbox);
    const containers = before.filter((one) => !isAnchor(one) && /busybox|httpd/.test(one.command));
    for (const { pid } of containers.slice(0, 1)) killIfThere(pid);
    const engine = home.engine();
    await until('all pods to be ready again, in a new sandbox', async () => {
      return anchors().length === before.filter(isAnchor).length && (await status()).pods.every(({ ready }) => ready);
    });
    await home.expects(0, ['verify', '--expect', 'plaintext']);
    expect(home.engine()).toEqual(engine);
  });

  it('wireguard-go: verify does not pass, and the log says so', async () => {
    await home.expects(0, ['deploy']);
    await home.expects(0, ['encrypt', 'on']);
    const [victim] = home.census().processes.filter(({ name }) => name === 'wireguard-go');
    if (!victim) return; // the kernel does it here
    killIfThere(victim.pid);
    const { status: verdict, stdout } = await home.run(['verify', '--expect', 'encrypted']);
    expect([1, 3], stdout).toContain(verdict);
    expect(execFileSync('cat', [join(home.folder, 'wireguard/log')], { encoding: 'utf8' })).toMatch(
      /wireguard-go on \S+ ended: SIGKILL/,
    );
  });
});

describe('commands on nodes', () => {
  it('end when their client is gone', async () => {
    await home.expects(0, ['deploy']);
    const command = home.start(['exec', 'wireguard-worker', '--', 'sh', '-c', 'echo begun; sleep 1234; true']);
    await command.prints(/begun/);
    command.child.kill('SIGKILL');
    await command.ended;
    await until('it to end', () =>
      home.census().processes.every(({ command: words }) => !words.includes('sleep 1234')),
    );
  });

  it('are not held up by what they leave in the background, of whose output nothing is lost', async () => {
    await home.expects(0, ['deploy']);
    const script = 'sleep 1235 & i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done; exit 7';
    const { stdout, took } = await home.expects(7, ['exec', 'wireguard-worker', '--', 'sh', '-c', script]);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('line 19999');
    expect(took).toBeLessThan(20_000);
    await home.destroy();
  });
});

it('a standing lab of three nodes takes less than 150 MB, with WireGuard and without', async () => {
  await home.expects(0, ['deploy']);
  for (const what of ['off', 'on']) {
    if (what === 'on') await home.expects(0, ['encrypt', 'on']);
    await home.expects(0, ['verify', '--expect', what === 'on' ? 'encrypted' : 'plaintext']);
    const byName = memoryOf(home.census().processes);
    const sum = [...byName.values()].reduce((a, b) => a + b, 0);
    const parts = [...byName].map(([name, megabytes]) => `${name} ${megabytes.toFixed(1)}`).join(', ');
    process.stderr.write(`memory, WireGuard ${what}: ${sum.toFixed(1)} MB (${parts})\n`);
    expect(sum).toBeLessThan(150);
  }
});
