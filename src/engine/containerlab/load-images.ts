import { type ChildProcess, spawn } from 'node:child_process';
import { Failure, labFailure } from '../../errors.ts';
import { docker, imagesHere } from './docker.ts';
import { withoutDigest } from './images.ts';

/** Calico's images are 400 MB, which every node writes to the same disk. */
export const LOAD_MS = 10 * 60_000;
/** How long containerd may take to answer on a node that has just started, and the images to be listed. */
const CONTAINERD_S = 60;
/** containerd starts again while kind configures it: an import that it broke off is made once more. */
const TRIES = 3;

/**
 * Puts those images that are on this machine onto the nodes that lack them, so that no node pulls them: waits until containerd answers,
 * then does what `kind load` does (docker save, then ctr import), read once and given to all nodes in parallel. Returns the names of the
 * images that were put there.
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
  for (let left = TRIES; ; left -= 1) {
    const lacking = await Promise.all(nodes.map(async (node) => ({ node, images: await lackedBy(node, here) })));
    const wanted = here.filter((image) => lacking.some((one) => one.images.includes(image)));
    const receivers = lacking.flatMap((one) => (one.images.length > 0 ? [one.node] : []));
    if (wanted.length === 0) return [];
    try {
      await copyImages(wanted, receivers, update, ended);
      return wanted;
    } catch (error) {
      signal?.throwIfAborted();
      if (late.aborted) {
        throw labFailure(`putting images onto the nodes took longer than ${LOAD_MS / 60_000} min`, {
          detail: `${wanted.join(', ')} for ${receivers.join(', ')}`,
        });
      }
      if (left <= 1 || !(error instanceof Failure)) throw error;
    }
  }
}

/** Waits until containerd answers, then lists what it has. */
export const LIST = `left=$(($1 * 5))
until ctr --timeout 5s version > /dev/null 2>&1; do
  left=$((left - 1))
  [ "$left" -gt 0 ] || { echo "containerd did not answer within $1 s" >&2; exit 1; }
  sleep 0.2
done
exec ctr --namespace=k8s.io images list --quiet`;

/** The images of a list that a node does not have. */
async function lackedBy(node: string, images: readonly string[]): Promise<string[]> {
  const list = ['exec', node, 'sh', '-c', LIST, 'list', String(CONTAINERD_S)];
  const names = new Set((await docker(list, { timeoutMs: CONTAINERD_S * 1500 })).split('\n'));
  return images.filter((image) => ![image, withoutDigest(image)].some((name) => names.has(fullName(name))));
}

/** The name of an image as containerd keeps it: `busybox:1.36` is `docker.io/library/busybox:1.36`. */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  if (rest.length === 0) return `docker.io/library/${image}`;
  return /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`;
}

async function copyImages(
  images: readonly string[],
  nodes: readonly string[],
  update: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const save = spawn('docker', ['save', ...images], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  let bytes = 0;
  const saved = settled(save, 'docker save');
  // Not --all-platforms: of an image that was pulled for one platform the others are not here (kind#3795).
  const imports = nodes.map((node) => {
    const argv = ['exec', '-i', node, 'sh', '-c', IMPORT];
    const child = spawn('docker', argv, { stdio: ['pipe', 'ignore', 'pipe'], signal });
    child.stdin.on('error', () => child.stdin.destroy()); // its exit status says why
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
  } finally {
    save.kill();
    for (const { child } of imports) child.kill();
  }
}

/** Imports as kind itself does: with the snapshotter that the node's containerd is configured to use (fuse-overlayfs on ZFS, say). */
export const IMPORT = `used=$(containerd config dump 2> /dev/null | sed -n 's/^ *snapshotter = .\\([a-z0-9-]\\{1,\\}\\).*/\\1/p' | head -n 1)
exec ctr --namespace=k8s.io images import --digests --snapshotter="\${used:-overlayfs}" -`;

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1_000_000);
}

function written(stream: NodeJS.WritableStream & { destroyed?: boolean }, chunk: Buffer): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => stream.write(chunk, () => resolve()));
}

async function settled(child: ChildProcess, command: string): Promise<void> {
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
