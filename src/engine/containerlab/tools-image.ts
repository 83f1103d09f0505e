import { randomUUID } from 'node:crypto';
import { labFailure, messageOf } from '../../errors.ts';
import { docker } from './docker.ts';
import { type ImageListener, nameHere, requireImage } from './images.ts';

/** An image with tcpdump and a shell; of wg it has none, which its package manager adds. */
export const BASE_IMAGE = 'nicolaka/netshoot:v0.16';

/** The same image with wg in it, made on this machine by `wglab pull`: no registry has it. */
export const TOOLS_IMAGE = 'wglab/capture-tools:netshoot-v0.16';

const ADD_MS = 120_000;
const COMMIT_MS = 120_000;

/** netshoot has no wg (its Dockerfile); Alpine's package of it is 100 KB. Standard output is left for an archive. */
export const ADD_WG = `command -v wg > /dev/null || ! command -v apk > /dev/null || apk add --no-cache wireguard-tools-wg >&2`;

/** Runs both, which shows also that their libraries are there; /usr/local/bin is not in every container's PATH. */
export const TRY = `PATH="$PATH:/usr/local/bin"
tcpdump --version && wg --version`;

/**
 * Makes the image of the capture tools be here, so that a deployment needs no network for them: adds wg in a container of the base
 * image, tries both tools there, and keeps what came of it as an image. Nothing but images is left. Throws failure 5.
 */
export async function prepareToolsImage(
  listener: ImageListener,
  signal?: AbortSignal,
  { from = BASE_IMAGE, image = TOOLS_IMAGE } = {},
): Promise<void> {
  if ((await nameHere(image)) !== undefined) return;
  const base = await requireImage(from, listener, signal);
  signal?.throwIfAborted();
  listener.step(`Making the image ${image} of ${base} (at most ${(ADD_MS + COMMIT_MS) / 1000} s)`);
  const container = `wglab-tools-${randomUUID().slice(0, 8)}`;
  try {
    const run = ['run', '--name', container, '--entrypoint', 'sh', base];
    await docker([...run, '-c', `${ADD_WG}\n${TRY}`], { timeoutMs: ADD_MS });
    signal?.throwIfAborted();
    await docker(['commit', container, image], { timeoutMs: COMMIT_MS });
  } catch (error) {
    signal?.throwIfAborted();
    throw labFailure(`the image ${image} could not be made of ${base}`, {
      detail: messageOf(error),
      remedy: 'apt-get install tcpdump wireguard-tools on this machine: then the nodes get copies of its tools',
      cause: error,
    });
  } finally {
    await docker(['rm', '--force', container]).catch(() => undefined); // it may never have been made
  }
}
