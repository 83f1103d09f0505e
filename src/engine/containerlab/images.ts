import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { labFailure, messageOf } from '../../errors.ts';
import { docker, isImageHere } from './docker.ts';
import { imageFailure } from './explain.ts';

export interface ImageListener {
  step(text: string): void;
  update(text: string): void;
}

/** An image of 400 MB over a slow line; it ends earlier if nothing arrives any more. */
const PULL_MS = 20 * 60_000;

/**
 * Pulls an image unless it is here, and returns its local name: an image that came out of a file (`wglab pull --load`) has its tag
 * and no digest, because Docker keeps a digest only for images that it pulled itself. Throws failure 5 that names the image and the remedy.
 */
export async function requireImage(image: string, listener: ImageListener, signal?: AbortSignal): Promise<string> {
  const name = await nameHere(image);
  if (name !== undefined) return name;
  await pullImage(image, listener, signal);
  return image;
}

/** Returns the name under which an image is here, with its digest or without; undefined if it is not. */
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

/** Pulls an image, and reports its progress. */
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

/** Reads images from a file and returns their names. */
export async function readImages(file: string): Promise<string[]> {
  try {
    const printed = await docker(['load', '--input', file]);
    return [...printed.matchAll(/^Loaded image(?: ID)?: (\S+)$/gm)].map(([, name = '']) => name);
  } catch (error) {
    throw labFailure(`cannot load images from ${file}`, { detail: messageOf(error), cause: error });
  }
}
