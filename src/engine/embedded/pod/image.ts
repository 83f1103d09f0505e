import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathOf, runTool } from '../../../process/tool.ts';

/** Everything that lives and dies with the lab is here: a tmpfs of the holder's own. */
export const RUN_FOLDER = '/run/wglab';
const IMAGE = `${RUN_FOLDER}/image`;
export const IMAGE_BIN = `${IMAGE}/bin`;
export const POD_DEVICES = `${RUN_FOLDER}/dev`;

/** The /run of a node, in the holder's own: what its pods with hostNetwork get as theirs. */
export function nodeRunFolder(node: string): string {
  return `${RUN_FOLDER}/nodes/${node}`;
}

/**
 * The one image there is: the host's busybox with a link for each of its applets, and the devices that every container
 * has. Both are made once and bound into each pod.
 */
export async function makeImage(): Promise<void> {
  const busybox = findBusybox();
  mkdirSync(IMAGE_BIN, { recursive: true });
  copyFileSync(busybox, join(IMAGE_BIN, 'busybox'));
  chmodSync(join(IMAGE_BIN, 'busybox'), 0o755);
  for (const folder of ['pts', 'shm']) mkdirSync(join(POD_DEVICES, folder), { recursive: true });
  for (const device of DEVICES) writeFileSync(join(POD_DEVICES, device), '');
  for (const [name, descriptor] of DESCRIPTORS) symlinkSync(`/proc/self/fd${descriptor}`, join(POD_DEVICES, name));
  symlinkSync('/var/termination-log', join(POD_DEVICES, 'termination-log')); // in the container's own root
  const listed = await runTool([busybox, 'sh', '-c', BIND_DEVICES_AND_LIST, busybox, POD_DEVICES, ...DEVICES]);
  const applets = listed.split('\n').filter((name) => name !== '' && name !== 'busybox');
  // Not by `ln`: some 300 processes would take longer than all the rest of a lab.
  for (const applet of applets) symlinkSync('busybox', join(IMAGE_BIN, applet));
  for (const needed of ['pivot_root', 'setpriv']) {
    if (!applets.includes(needed)) throw new Error(`${busybox} has no ${needed}: install the package busybox-static`);
  }
  await runTool([busybox, 'sh', '-c', MAKE_READ_ONLY, busybox, IMAGE_BIN]);
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const DESCRIPTORS: [string, string][] = [
  ['fd', ''],
  ['stdin', '/0'],
  ['stdout', '/1'],
  ['stderr', '/2'],
];
/** The folder itself is read-only to containers, which share it; what is written to a device is not stopped by that. */
const BIND_DEVICES_AND_LIST = `set -e
folder=$1
shift
mount -o bind "$folder" "$folder"
for device in "$@"; do mount -o bind "/dev/$device" "$folder/$device"; done
mount -o remount,bind,ro "$folder"
exec "$0" --list`;
/** Once here, and no container needs to do it again. */
const MAKE_READ_ONLY = 'mount -o bind "$1" "$1" && mount -o remount,bind,ro "$1"';

/** The first busybox on PATH. It must be static, for nothing but itself is in the pod's root: doctor checks that. */
function findBusybox(): string {
  const path = pathOf('busybox');
  if (path === undefined) throw new Error('busybox is not on PATH: install the package busybox-static');
  return path;
}

/** The two images that the engine has: the machine's busybox, and the tools of this machine, read-only. */
export type Image = 'busybox' | 'host-tools';

/** Returns the image that serves for a name: busybox of any tag and registry, or `wglab/host-tools`; undefined for all others. */
export function imageOf(image: string): Image | undefined {
  const repository = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  if (repository === 'wglab/host-tools') return 'host-tools';
  return repository === 'busybox' || repository.endsWith('/busybox') ? 'busybox' : undefined;
}
