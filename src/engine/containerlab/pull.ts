import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CalicoSource, DEFAULT_CALICO, RELEASE_FILES, readManifest } from '../../cni/calico/release.ts';
import { cacheFolder, calicoSourceOf } from '../../cni/calico/source.ts';
import { Failure, lackingFailure, messageOf } from '../../errors.ts';
import { readLab } from '../../lab/lab.ts';
import type { Reporter } from '../../process/reporter.ts';
import { runTool } from '../../process/tool.ts';
import { makePrivateFolder } from '../../state/whole-file.ts';
import type { Pulled, PullRequest } from '../engine.ts';
import { requireDocker } from './docker.ts';
import { nameHere, pullImage, readImages, saveImages } from './images.ts';
import { allImages, hasCaptureTools } from './lab-images.ts';
import { prepareToolsImage, TOOLS_IMAGE } from './tools-image.ts';

type PullReporter = Omit<Reporter, 'timed'>;

/**
 * Brings everything that a lab needs on a real cluster onto this machine, from the network or from a file: images and Calico's manifests. Throws
 * a Failure that names what cannot be had.
 */
export async function pull(request: PullRequest, listener: PullReporter, signal: AbortSignal): Promise<Pulled> {
  const lab = await readLab(request.lab, request);
  await requireDocker();
  if (request.load !== undefined) await load(request.load, listener);
  listener.step('Looking which images the lab needs');
  const elsewhere = request.save !== undefined;
  const source = calicoSourceOf(lab, request);
  let images = await allImages(lab, source, { signal, elsewhere });
  if (request.load === undefined) {
    for (const image of images) {
      if (image === TOOLS_IMAGE) continue;
      if ((await nameHere(image)) === undefined) await pullImage(image, listener, signal);
    }
    if (images.includes(TOOLS_IMAGE) && !(await toolsImage(listener, signal)))
      images = images.filter((image) => image !== TOOLS_IMAGE);
  }
  if (request.save !== undefined) await save(request.save, images, source, listener);
  const here = await Promise.all(images.map(async (image) => ({ image, here: (await nameHere(image)) !== undefined })));
  return { lab: lab.definition.name, images: here, file: request.save ?? request.load ?? null };
}

/** Makes the image of the capture tools. Where this machine does without it, only others may miss it: false then, and it is said. */
async function toolsImage(listener: PullReporter, signal: AbortSignal): Promise<boolean> {
  try {
    await prepareToolsImage(listener, signal);
    return true;
  } catch (error) {
    if (signal.aborted || !hasCaptureTools()) throw error;
    listener.info(`${messageOf(error)}: the machine that these are for must have tcpdump and wg itself`);
    return false;
  }
}

/** Docker reads its own files from the archive, and ignores the folder of manifests that is added to it. */
async function save(file: string, images: readonly string[], source: CalicoSource, listener: PullReporter) {
  const staged = await mkdtemp(join(tmpdir(), 'wglab-pull-'));
  try {
    // First what may fail at once: an archive has gigabytes.
    const folder = `calico-${source.version ?? DEFAULT_CALICO}`;
    await mkdir(join(staged, folder));
    for (const name of RELEASE_FILES) await writeFile(join(staged, folder, name), await readManifest(source, name));
    listener.step(`Writing ${images.length} images to ${file}`);
    await saveImages(images, file);
    await runTool(['tar', '--append', '--file', file, '--directory', staged, folder]);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw lackingFailure(`cannot write the images to ${file}`, { detail: messageOf(error), cause: error });
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function load(file: string, listener: PullReporter): Promise<void> {
  listener.step(`Reading images from ${file}`);
  const names = await readImages(file);
  await makePrivateFolder(cacheFolder());
  const extract = ['tar', '--extract', '--file', file, '--directory', cacheFolder(), '--wildcards', 'calico-*'];
  await runTool(extract).catch((error) => {
    listener.info(`no manifests of Calico in it: ${messageOf(error).split('\n').at(-1)}`);
  });
  listener.info(`read: ${names.join(', ')}`);
}
