import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ensureCaptureTools } from '../../../src/engine/containerlab/capture-tools.ts';
import { allImages } from '../../../src/engine/containerlab/lab-images.ts';
import { BASE_IMAGE, prepareToolsImage, TOOLS_IMAGE } from '../../../src/engine/containerlab/tools-image.ts';
import { ExitCode } from '../../../src/errors.ts';
import { readLab } from '../../../src/lab/lab.ts';
import { ToolFolder } from '../../operations/tool-folder.ts';
import { fakeDocker } from './support/fake-docker.ts';

let fake: Awaited<ReturnType<typeof fakeDocker>>;
const listener = { step: () => undefined, update: () => undefined };

beforeEach(async () => {
  fake = await fakeDocker({ registry: [BASE_IMAGE] });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await fake.remove();
});

/** A machine that has no tcpdump and no wg to copy: nothing but Docker and what a shell needs. */
async function withoutTools<T>(work: () => Promise<T>): Promise<T> {
  using tools = new ToolFolder(['tcpdump', 'wg']);
  tools.link('docker', `${fake.root}/docker`);
  return await tools.use(work);
}

test('the image is made where there is a network, and its tools come onto nodes where there is none', async () => {
  await withoutTools(() => prepareToolsImage(listener));
  expect((await fake.now()).images).toEqual([BASE_IMAGE, TOOLS_IMAGE]);
  expect((await fake.now()).containers).toEqual([]);

  await fake.change({ registry: [], packages: false, bareNodes: true });
  const done = await withoutTools(() => ensureCaptureTools(['c1-worker', 'c1-worker2'], () => undefined));
  expect(done).toContain(`from a helper container of ${TOOLS_IMAGE}`);
  expect(await fake.calls('docker pull')).toHaveLength(1);
});

test('once it is there, it is not made again', async () => {
  await prepareToolsImage(listener);
  await prepareToolsImage(listener);
  expect(await fake.calls('docker commit')).toHaveLength(1);
});

test('without a network for the package, the failure is reported, and neither image nor container is left', async () => {
  await fake.change({ packages: false });
  await expect(prepareToolsImage(listener)).rejects.toMatchObject({
    exitCode: ExitCode.labFailed,
    message: `the image ${TOOLS_IMAGE} could not be made of ${BASE_IMAGE}`,
    detail: expect.stringContaining('unable to select packages'),
  });
  expect(await fake.now()).toMatchObject({ images: [BASE_IMAGE], containers: [] });
});

test('a lab needs it where this machine has no tools to copy, and for any other machine', async () => {
  const lab = await readLab('wireguard');
  const source = { version: 'v3.32.1', cache: fake.root };
  vi.stubGlobal('fetch', async () => new Response('kind: Nothing\n'));
  const needs = async (elsewhere: boolean) => (await allImages(lab, source, { elsewhere })).includes(TOOLS_IMAGE);
  expect([await needs(false), await needs(true)]).toEqual([false, true]);
  expect(await withoutTools(() => needs(false))).toBe(true);
  vi.unstubAllGlobals();
});
