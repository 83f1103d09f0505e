import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';
import { hostChanges, hostSnapshot } from './support/host.ts';
import { until } from './support/until.ts';
import { Home } from './support/wglab.ts';

let home: Home;

beforeEach(() => {
  home = new Home();
});

afterEach(() => home.dispose());

describe('the whole cycle', () => {
  it('proves plaintext, ciphertext and plaintext again, and leaves the machine as it was', async () => {
    const before = hostSnapshot();
    await home.expects(0, ['deploy']);
    const status = JSON.parse((await home.expects(0, ['status', '-o', 'json'])).stdout);
    expect(status.nodes.map(({ ready }: { ready: boolean }) => ready)).toEqual([true, true, true]);
    await home.expects(0, ['verify', '--expect', 'plaintext']);
    await home.expects(1, ['verify', '--expect', 'encrypted']);
    await home.expects(0, ['encrypt', 'on']);
    await home.expects(0, ['verify', '--expect', 'encrypted']);
    await home.expects(0, ['encrypt', 'off']);
    await home.expects(0, ['verify', '--expect', 'plaintext']);
    const standing = home.census();
    expect(standing.processes.length).toBeGreaterThan(10);
    expect(standing.namespaces.length).toBeGreaterThan(10);
    await home.destroy();
    expect(hostChanges(before)).toEqual([]);
  });
});

describe('a running lab', () => {
  it('is not changed by a second deploy', async () => {
    await home.expects(0, ['deploy']);
    const [kubeconfig, before] = [readFileSync(join(home.folder, 'wireguard/kubeconfig')), home.census()];
    const { stdout, stderr } = await home.expects(0, ['deploy', '-o', 'json']);
    expect(JSON.parse(stdout).changed).toBe(false);
    expect(stderr).toContain('is running already');
    expect(readFileSync(join(home.folder, 'wireguard/kubeconfig'))).toEqual(kubeconfig);
    const lasting = before.processes.filter(({ name }) => name === 'node' || name === 'sleep').map(({ pid }) => pid);
    expect(home.census().processes.map(({ pid }) => pid)).toEqual(expect.arrayContaining(lasting));
  });

  it.each([
    ['its engine died', () => home.endEngine()],
    ['its state was cut', () => truncateSync(join(home.folder, 'wireguard/lab.json'), 20)],
    ['its kubeconfig was removed', () => rmSync(join(home.folder, 'wireguard/kubeconfig'))],
    ['its folder was removed', () => rmSync(join(home.folder, 'wireguard'), { recursive: true })],
  ])('is created again if %s', async (_, damage) => {
    await home.expects(0, ['deploy']);
    const before = home.census();
    damage();
    const { stdout } = await home.expects(0, ['deploy', '-o', 'json']);
    expect(JSON.parse(stdout).changed).toBe(true);
    const old = new Set(before.processes.map(({ pid }) => pid));
    expect(home.census().processes.filter(({ pid }) => old.has(pid))).toEqual([]);
    await home.expects(0, ['verify', '--expect', 'plaintext']);
    await home.destroy();
  });

  it.each([[], ['--keep']])('leaves nothing where one of its files is wrong: deploy %j', async (...options) => {
    const files = mkdtempSync(join(tmpdir(), 'wglab-wrong-'));
    try {
      for (const folder of ['labs', 'topologies', 'manifests']) {
        cpSync(join(packageRoot(), folder), join(files, folder), { recursive: true });
      }
      const topology = join(files, 'topologies/wireguard.clab.yml');
      writeFileSync(topology, readFileSync(topology, 'utf8').replace('startup-config', 'startup-conf'));
      const before = home.census();
      const { stderr } = await home.expects(2, ['deploy', join(files, 'labs/wireguard.md'), ...options]);
      expect(stderr).toMatch(/wireguard\.clab\.yml:\d+:\d+: unknown key "startup-conf".*did you mean "startup-config"/);
      home.expectNothingLeft(before);
    } finally {
      rmSync(files, { recursive: true });
    }
  });

  it('is removed if its folder was removed', async () => {
    await home.expects(0, ['deploy']);
    rmSync(join(home.folder, 'wireguard'), { recursive: true });
    await home.destroy();
  });

  it('says why it does not run any more', async () => {
    await home.expects(0, ['deploy']);
    home.endEngine();
    await until('the kernel to take the lab away', () => home.census().processes.length === 0);
    const { stderr } = await home.expects(4, ['status']);
    expect(stderr).toContain('does not run any more');
    expect(stderr).toContain('the lab is running: 3 nodes'); // the end of its log
    await home.expects(4, ['verify', '--expect', 'encrypted']);
    await home.destroy();
  });
});

describe('several at once', () => {
  it('lets one of two deploys of one name win, and the other says so', async () => {
    const results = await Promise.all([home.run(['deploy']), home.run(['deploy'])]);
    const statuses = results.map(({ status }) => status).sort();
    const loser = results.find(({ status }) => status !== 0);
    expect(statuses).toEqual([0, 5]);
    expect(loser?.stderr).toMatch(/is being changed by another wglab \(pid \d+\)/);
    await home.expects(0, ['verify', '--expect', 'plaintext']);
    await home.destroy();
  });

  it('lets a destroy during a deploy, and a deploy during a destroy, do no harm', async () => {
    const deploying = home.start(['deploy']);
    await deploying.prints(/engine: embedded/);
    await home.expects(5, ['destroy', 'wireguard']);
    expect((await deploying.ended).status).toBe(0);
    const before = home.census();
    const both = await Promise.all([home.run(['destroy']), home.run(['deploy'])]);
    expect(both.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    for (const { status } of both) expect([0, 5]).toContain(status);
    await home.run(['destroy', 'wireguard']);
    home.expectNothingLeft(before);
  });

  it('runs three labs at the same time, and removes them all', async () => {
    const names = ['one', 'two', 'three'];
    const made = await Promise.all(names.map((name) => home.run(['deploy', '--name', name])));
    expect(made.map(({ status }) => status)).toEqual([0, 0, 0]);
    const proofs = await Promise.all(names.map((name) => home.run(['verify', name, '--expect', 'plaintext'])));
    expect(proofs.map(({ status, stdout, stderr }) => (status === 0 ? 0 : stdout + stderr))).toEqual([0, 0, 0]);
    const before = home.census();
    await home.expects(2, ['destroy']); // which one is not said
    await home.expects(0, ['destroy', '--all']);
    home.expectNothingLeft(before);
    await home.expects(0, ['destroy', '--all']);
    expect(existsSync(join(home.folder, 'one'))).toBe(false);
  });
});
