import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { labFailure, messageOf } from '../../errors.ts';
import { docker, imagesHere, isImageHere } from './docker.ts';
import { imageFailure } from './explain.ts';

export interface ImageListener {
  step(text: string): void;
  update(text: string): void;
}

/** An image of 400 MB over a slow line; it ends earlier where nothing comes any more. */
const PULL_MS = 20 * 60_000;

/** Calico's images are 400 MB, which every node writes to the same disk. */
export const LOAD_MS = 10 * 60_000;

/**
 * Makes an image be here, and gives the name under which it is: an image that came out of a file (`wglab pull --load`) has its tag
 * and no digest, for Docker keeps none of what it did not pull itself. Throws failure 5 that names the image and the remedy.
 */
export async function requireImage(image: string, listener: ImageListener, signal?: AbortSignal): Promise<string> {
  const name = await nameHere(image);
  if (name !== undefined) return name;
  await pullImage(image, listener, signal);
  return image;
}

/** The name under which an image is here, with its digest or without; undefined where it is not. */
export async function nameHere(image: string): Promise<string | undefined> {
  if (await isImageHere(image)) return image;
  const tagged = withoutDigest(image);
  return tagged !== image && (await isImageHere(tagged)) ? tagged : undefined;
}

export function withoutDigest(image: string): string {
  const [name = '', digest] = image.split('@');
  // A digest alone has no tag to fall back to: without one Docker would take `latest`, which may be anything.
  return digest !== undefined && /:[^/]+$/.test(name) ? name : image;
}

/** Pulls an image; tells how far it is. */
export async function pullImage(image: string, listener: ImageListener, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  listener.step(`Pulling ${image} (at most ${PULL_MS / 60_000} min)`);
  const options = { stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'], timeout: PULL_MS };
  const child = spawn('docker', ['pull', image], signal ? { ...options, signal } : options);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      listener.update(line);
    });
  }
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', (error) =>
      signal?.aborted ? reject(signal.reason) : reject(imageFailure(image, error.message)),
    );
    child.on('close', (code) => resolve(code ?? 1));
  });
  if (status !== 0) throw imageFailure(image, [`$ docker pull ${image}`, ...lines.slice(-5)].join('\n'));
}

/**
 * Puts those images that are here onto nodes, so that no node pulls them: what `kind load` does (docker save, then ctr import),
 * read once and given to all nodes side by side. Gives the names of what was put there.
 */
export async function loadImages(
  images: readonly string[],
  nodes: readonly string[],
  update: (text: string) => void,
  signal?: AbortSignal,
): Promise<string[]> {
  const here = await imagesHere(images);
  if (here.length === 0 || nodes.length === 0) return [];
  const late = AbortSignal.timeout(LOAD_MS);
  const ended = signal ? AbortSignal.any([signal, late]) : late;
  const save = spawn('docker', ['save', ...here], { stdio: ['ignore', 'pipe', 'pipe'], signal: ended });
  let bytes = 0;
  const saved = settled(save, 'docker save');
  // Not --all-platforms: of an image that was pulled for one platform the others are not here (kind#3795).
  const imports = nodes.map((node) => {
    const argv = ['exec', '-i', node, 'sh', '-c', IMPORT];
    const child = spawn('docker', argv, { stdio: ['pipe', 'ignore', 'pipe'], signal: ended });
    child.stdin.on('error', () => child.stdin.destroy()); // its status tells
    return { child, done: settled(child, `docker ${argv.join(' ')}`) };
  });
  const all = Promise.all([saved, ...imports.map(({ done }) => done)]);
  all.catch(() => save.kill());
  try {
    for await (const chunk of save.stdout) {
      await Promise.all(imports.map(({ child }) => written(child.stdin, chunk as Buffer)));
      const before = megabytes(bytes);
      bytes += (chunk as Buffer).length;
      if (megabytes(bytes) > before) update(`putting images onto ${nodes.length} nodes: ${megabytes(bytes)} MB`);
    }
    for (const { child } of imports) child.stdin.end();
    await all;
  } catch (error) {
    if (!late.aborted || signal?.aborted) throw error;
    const seen = `${megabytes(bytes)} MB of ${here.join(', ')} were given to ${nodes.join(', ')}`;
    throw labFailure(`putting images onto the nodes took longer than ${LOAD_MS / 60_000} min; last seen: ${seen}`);
  } finally {
    for (const { child } of imports) child.kill();
  }
  return here;
}

/** As kind itself does: with the snapshotter that the node's containerd has been told to use (fuse-overlayfs on ZFS, say). */
export const IMPORT = `used=$(containerd config dump 2> /dev/null | sed -n 's/^ *snapshotter = .\\([a-z0-9-]\\{1,\\}\\).*/\\1/p' | head -n 1)
exec ctr --namespace=k8s.io images import --digests --snapshotter="\${used:-overlayfs}" -`;

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1_000_000);
}

function written(stream: NodeJS.WritableStream & { destroyed?: boolean }, chunk: Buffer): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => stream.write(chunk, () => resolve()));
}

async function settled(child: import('node:child_process').ChildProcess, command: string): Promise<void> {
  const errors: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  if (status !== 0) {
    throw labFailure('an image could not be put onto a node', {
      detail: `$ ${command}\n${Buffer.concat(errors).toString().trim()}`,
      remedy: 'wglab pull, then deploy again',
    });
  }
}

/** Writes images to a file, those with a digest by their tag. */
export async function saveImages(images: readonly string[], file: string): Promise<void> {
  const names = await Promise.all(images.map(taggedName));
  await docker(['save', '--output', file, ...names]);
}

/** `docker pull NAME:TAG@DIGEST` sets no tag, and a saved image has nothing but its tags to be known by. */
async function taggedName(image: string): Promise<string> {
  const tagged = withoutDigest(image);
  if (tagged !== image && (await isImageHere(image))) await docker(['tag', image, tagged]);
  return tagged;
}

/** Reads images from a file and gives their names. */
export async function readImages(file: string): Promise<string[]> {
  try {
    const printed = await docker(['load', '--input', file]);
    return [...printed.matchAll(/^Loaded image(?: ID)?: (\S+)$/gm)].map(([, name = '']) => name);
  } catch (error) {
    throw labFailure(`cannot load images from ${file}`, { detail: messageOf(error), cause: error });
  }
}
