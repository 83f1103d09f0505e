import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ensureCaptureTools } from '../../../src/engine/containerlab/capture-tools.ts';
import { containerlabEngine as engine } from '../../../src/engine/containerlab/containerlab-engine.ts';
import { deployPlan } from '../../../src/engine/containerlab/deploy.ts';
import { nameHere, readImages, saveImages } from '../../../src/engine/containerlab/images.ts';
import { inspectLab } from '../../../src/engine/containerlab/inspect.ts';
import { loadImages } from '../../../src/engine/containerlab/load-images.ts';
import { type Plan, planWithoutCluster } from '../../../src/engine/containerlab/plan.ts';
import { findContainerlab } from '../../../src/engine/containerlab/tool.ts';
import { Failure } from '../../../src/errors.ts';
import { type Lab, readLab } from '../../../src/lab/lab.ts';
import { finish } from '../../../src/process/node-shell.ts';
import type { Timed } from '../../../src/process/reporter.ts';

// The real programs, where this machine has them: a Docker engine that answers, containerlab in PATH, root, busybox.
const run = promisify(execFile);
const lacks = [
  ...(spawnSync('docker', ['version'], { timeout: 5_000 }).status === 0 ? [] : ['a Docker engine']),
  ...(spawnSync('containerlab', ['version', '-j'], { timeout: 15_000 }).status === 0 ? [] : ['containerlab']),
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...(existsSync('/bin/busybox') ? [] : ['busybox']),
];
if (lacks.length > 0) process.stderr.write(`not run with the real containerlab: it lacks ${lacks.join(' and ')}\n`);

const IMAGE = 'wglab-test/busybox:1';
const signal = new AbortController().signal;
const noImages = async () => [];

describe.skipIf(lacks.length > 0)('with the real Docker and containerlab', () => {
  let root: string;
  let before: string;
  const steps: string[] = [];
  const folders = new Set<string>();

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'wglab-real-'));
    before = await whatIsThere();
    await makeImage(root);
  });

  afterAll(async () => {
    await run('docker', ['rmi', '--force', IMAGE]);
    await rm(root, { recursive: true, force: true });
    expect(await whatIsThere()).toBe(before);
  });

  afterEach(async () => {
    for (const folder of folders) await engine.destroy(folder);
  });

  function around(folder: string) {
    folders.add(folder);
    return {
      ...{ folder, kubeconfig: join(folder, 'kubeconfig'), logFile: join(folder, 'log'), signal },
      progress: (step: string) => void steps.push(step),
      update: () => undefined,
      serving: () => undefined,
      info: () => undefined,
      timed: ((_name, _of, work) => work()) as Timed,
    };
  }

  function started(folder: string, lab: Lab): Promise<void> {
    const { progress, ...rest } = around(folder);
    return engine.start({ ...rest, name: 'wglab-real', lab: async () => lab }, { ...rest, step: progress }).ready;
  }

  test('its version is read', async () => {
    expect(await findContainerlab()).toMatchObject({ by: 'root', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });

  test('a lab of linux nodes deploys, runs commands, and is destroyed', async () => {
    const folder = join(root, 'lab');
    await mkdir(folder);
    const plan = linuxPlan('wglab-real');
    await deployPlan(plan, noImages, around(folder));
    expect(await engine.isRunning(folder)).toBe(true);
    const topology = join(folder, 'containerlab/topology.clab.yml');
    const inspected = await inspectLab(await findContainerlab(), topology);
    expect(inspected).toMatchObject(
      ['a', 'b'].map((node) => ({ name: `clab-wglab-real-${node}`, kind: 'linux', state: 'running' })),
    );
    const { shell } = engine.access(folder, '');
    expect(await finish(await shell('a', ['sh', '-c', 'cat; exit 7']), 'typed')).toMatchObject({
      status: 7,
      stdout: 'typed',
    });
    const terminal = await shell('a', ['sh', '-c', 'tty'], { tty: true });
    expect((await finish(terminal)).stdout).toMatch(/\/dev\/pts\/\d+/);
    expect((await finish(await shell('b', ['ip', 'addr', 'show', 'dev', 'eth1']))).stdout).toContain('eth1');

    // Docker leaves a command running whose client has ended.
    const sleeping = await shell('a', ['sh', '-c', 'echo begun; sleep 4321']);
    await new Promise((resolve) => sleeping.stdout.once('data', resolve));
    sleeping.kill();
    await sleeping.exited.catch(() => undefined);
    await expect
      .poll(async () => (await finish(await shell('a', ['sh', '-c', 'ps | grep -c "[s]leep 4321"']))).stdout.trim())
      .toBe('0');

    await ensureCaptureTools(['clab-wglab-real-a', 'clab-wglab-real-b'], () => undefined);
    const tcpdump = await finish(await shell('b', ['/usr/local/bin/tcpdump', '--version']));
    expect(tcpdump.stdout + tcpdump.stderr).toContain('libpcap');

    const wanted = steps.length;
    await deployPlan(plan, noImages, around(folder)); // it stands: nothing is made
    expect(steps.slice(wanted)).toEqual(['Asking Docker and containerlab (at most 15 s each)']);

    await run('docker', ['rm', '--force', 'clab-wglab-real-b']); // somebody took one away
    expect(await engine.isRunning(folder)).toBe(false);
    expect(await inspectLab(await findContainerlab(), topology)).toMatchObject({
      said: expect.stringContaining('clab-wglab-real-b'),
    });
    await engine.destroy(folder);
    expect(await readFile('/etc/hosts', 'utf8')).not.toContain('wglab-real');
    expect(existsSync(join(folder, 'containerlab'))).toBe(false);
  });

  test('a cluster whose node image cannot be pulled: named, and nothing is left', async () => {
    const folder = join(root, 'cluster');
    await mkdir(folder);
    const lab = await readLab('wireguard', { nodeImage: 'registry.invalid/kindest/node:v1.35.0' });
    const failed = await started(folder, lab).catch((error) => error);
    expect(failed).toBeInstanceOf(Failure);
    expect(failed).toMatchObject({
      exitCode: 5,
      message: 'the image registry.invalid/kindest/node:v1.35.0 is not here and cannot be pulled',
      remedy: expect.stringContaining('wglab pull'),
    });
    await engine.destroy(folder);
  });

  test('a cluster that kind cannot make: networks, rules and all are gone again', async () => {
    const folder = join(root, 'not-a-node');
    await mkdir(folder);
    const lab = await readLab('wireguard', { nodeImage: IMAGE }); // which has no systemd and no kubeadm
    const failed = await started(folder, lab).catch((error) => error);
    expect(failed).toMatchObject({ exitCode: 5, detail: expect.stringContaining('Preparing nodes') });
    expect(steps).toContain('kind: Preparing nodes');
    await engine.destroy(folder);
    expect(await whatIsThere()).toBe(before);
  });

  test('what containerlab itself says of an image that cannot be pulled is understood', async () => {
    const folder = join(root, 'linux-image');
    await mkdir(folder);
    const plan = { ...linuxPlan('wglab-real', 'registry.invalid/none:1'), images: [] }; // so that wglab does not try before
    const failed = await deployPlan(plan, noImages, around(folder)).catch((error) => error);
    expect(failed.exitCode).toBe(5);
    expect(failed.detail).toContain('registry.invalid/none:1');
    await engine.destroy(folder);
  });

  test('images go into a file and come out of it', async () => {
    const file = join(root, 'images.tar');
    await saveImages([IMAGE], file);
    await run('docker', ['rmi', '--force', IMAGE]);
    expect(await nameHere(IMAGE)).toBeUndefined();
    expect(await readImages(file)).toEqual([IMAGE]);
    expect(await nameHere(`${IMAGE}@sha256:${'0'.repeat(64)}`)).toBe(IMAGE);
  });

  test('an image that a node rejects is reported with the command', async () => {
    const { stdout } = await run('docker', ['run', '--detach', IMAGE]);
    const failed = await loadImages([IMAGE], [stdout.trim()], () => undefined).catch((error) => error);
    await run('docker', ['rm', '--force', stdout.trim()]);
    expect(failed).toMatchObject({
      exitCode: 5,
      detail: expect.stringContaining('ctr --namespace=k8s.io images import'),
    });
  });
});

/** Not privileged, so that they run also where Docker's own root lacks a capability. */
function linuxPlan(name: string, image = IMAGE): Plan {
  const node = { kind: 'linux', image, privileged: false };
  const links = [{ endpoints: ['a:eth1', 'b:eth1'] }];
  return planWithoutCluster({ name: 'any', topology: { nodes: { a: node, b: node }, links } }, tmpdir(), name);
}

async function makeImage(root: string): Promise<void> {
  const bin = join(root, 'image/bin');
  await mkdir(bin, { recursive: true });
  await copyFile('/bin/busybox', join(bin, 'busybox'));
  const { stdout } = await run('/bin/busybox', ['--list']);
  const applets = stdout.split('\n').filter((name) => name && name !== 'busybox');
  await Promise.all(applets.map((name) => symlink('busybox', join(bin, name))));
  await run('tar', ['-cf', join(root, 'image.tar'), '-C', join(root, 'image'), '.']);
  await run('docker', ['import', '--change', 'CMD ["/bin/sleep", "100000"]', join(root, 'image.tar'), IMAGE]);
}

async function whatIsThere(): Promise<string> {
  const listed = [
    await run('docker', ['ps', '--all', '--quiet']),
    await run('docker', ['network', 'ls', '--format', '{{.Name}}']),
    await run('docker', ['volume', 'ls', '--quiet']),
    await run('sh', ['-c', 'iptables -S DOCKER-USER 2> /dev/null || true']),
  ];
  return listed.map(({ stdout }) => stdout).join('--\n');
}
