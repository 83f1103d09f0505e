import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureCaptureTools } from '../../../src/engine/containerlab/capture-tools.ts';
import { prepareToolsImage, TOOLS_IMAGE } from '../../../src/engine/containerlab/tools-image.ts';
import { findTool } from '../../../src/machine/tools.ts';
import { ToolFolder } from '../../operations/tool-folder.ts';

const run = promisify(execFile);
const lacks = [
  ...(spawnSync('docker', ['version'], { timeout: 5_000 }).status === 0 ? [] : ['a Docker engine']),
  ...(existsSync('/bin/busybox') && findTool('tcpdump') && findTool('wg') ? [] : ['busybox, tcpdump and wg']),
];
if (lacks.length > 0)
  process.stderr.write(`the tools' image is not made with a real Docker: it lacks ${lacks.join(' and ')}\n`);

const BASE = 'wglab-test/tools-base:1';
const MADE = 'wglab-test/tools-made:1';
const NODE = 'wglab-test-tools-node';
const listener = { step: () => undefined, update: () => undefined };

/** Is true if somebody has an image of the real name already; otherwise the tests remove theirs at the end. */
const hasOwn = lacks.length === 0 && spawnSync('docker', ['image', 'inspect', TOOLS_IMAGE]).status === 0;

describe.skipIf(lacks.length > 0)('with a real Docker', { timeout: 60_000 }, () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'wglab-tools-real-'));
    await makeBase(root);
  }, 60_000);

  afterAll(async () => {
    await run('docker', ['rm', '--force', NODE]);
    await run('docker', ['rmi', '--force', BASE, MADE, ...(hasOwn ? [] : [TOOLS_IMAGE])]);
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  test('the image has both tools, and no container is left of its making', async () => {
    await prepareToolsImage(listener, undefined, { from: BASE, image: MADE });
    const { stdout } = await run('docker', ['run', '--rm', '--entrypoint', 'wg', MADE, '--version']);
    expect(stdout).toMatch(/^wireguard-tools/);
    const { stdout: left } = await run('docker', ['ps', '--all', '--format', '{{.Names}}']);
    expect(left).not.toContain('wglab-tools-');
    // The base still has none: wg came with the making.
    await expect(run('docker', ['run', '--rm', '--entrypoint', 'wg', BASE, '--version'])).rejects.toThrow();
  });

  test.skipIf(hasOwn)('its tools run on a node that has none, though this machine has none either', async () => {
    await prepareToolsImage(listener, undefined, { from: BASE, image: TOOLS_IMAGE });
    await run('docker', ['run', '--detach', '--name', NODE, '--entrypoint', '/bin/sleep', BASE, '1000']);
    await run('docker', ['exec', NODE, 'rm', '/usr/sbin/tcpdump', '/usr/sbin/apk']);
    using tools = new ToolFolder(['tcpdump', 'wg']);
    tools.link('docker');
    const done = await tools.use(() => ensureCaptureTools([NODE], () => undefined));
    expect(done).toContain(TOOLS_IMAGE);
    const { stdout } = await run('docker', ['exec', NODE, '/usr/local/bin/wg', '--version']);
    expect(stdout).toMatch(/^wireguard-tools/);
  });
});

/** As netshoot is: a shell, tcpdump, no wg, and a package manager that brings it. */
async function makeBase(root: string): Promise<void> {
  const image = join(root, 'image');
  const put = async (from: string, to = from) => {
    await mkdir(dirname(join(image, to)), { recursive: true });
    await copyFile(from, join(image, to));
  };
  await put('/bin/busybox');
  const { stdout } = await run('/bin/busybox', ['--list']);
  const applets = stdout.split('\n').filter((name) => name && name !== 'busybox');
  await Promise.all(applets.map((name) => symlink('busybox', join(image, 'bin', name))));
  const [tcpdump = '', wg = ''] = ['tcpdump', 'wg'].map(findTool);
  await put(tcpdump, '/usr/sbin/tcpdump');
  await put(wg, '/packages/wg');
  for (const tool of [tcpdump, wg]) {
    const { stdout: needed } = await run('ldd', [tool]);
    for (const [library] of needed.matchAll(/\/\S+/g)) await put(library);
  }
  const apk = join(image, 'usr/sbin/apk');
  await writeFile(apk, '#!/bin/sh\n[ "$*" = "add --no-cache wireguard-tools-wg" ] && cp /packages/wg /usr/sbin/wg\n');
  await chmod(apk, 0o755);
  await mkdir(join(image, 'tmp'));
  await run('tar', ['-cf', join(root, 'image.tar'), '-C', image, '.']);
  await run('docker', ['import', join(root, 'image.tar'), BASE]);
}
