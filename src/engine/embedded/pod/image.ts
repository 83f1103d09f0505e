import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runTool } from '../processes.ts';

/** Where the engine keeps everything that lives and dies with the lab: a tmpfs of the holder's own. */
export const RUN_FOLDER = '/run/wglab';
const IMAGE = `${RUN_FOLDER}/image`;
export const IMAGE_BIN = `${IMAGE}/bin`;
export const POD_DEVICES = `${RUN_FOLDER}/dev`;

/**
 * The one image there is: the host's busybox with a link for each of its applets, and the devices that every container
 * has. Both are made once and bound into each pod.
 */
const MAKE_IMAGE = `set -e
mkdir -p "$1/bin" "$2/pts" "$2/shm"
cp "$3" "$1/bin/busybox"
chmod 755 "$1/bin/busybox"
"$1/bin/busybox" --list | while read -r applet; do [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"; done
for device in null zero full random urandom tty; do
  : > "$2/$device"
  mount --bind "/dev/$device" "$2/$device"
done
ln -s /proc/self/fd "$2/fd"
ln -s /proc/self/fd/0 "$2/stdin"
ln -s /proc/self/fd/1 "$2/stdout"
ln -s /proc/self/fd/2 "$2/stderr"`;

export async function makeImage(): Promise<void> {
  await runTool(['sh', '-c', MAKE_IMAGE, 'image', IMAGE, POD_DEVICES, findBusybox()]);
}

/** The first busybox on PATH. It must be static, for nothing but itself is in the pod's root: doctor checks that. */
function findBusybox(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'busybox');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here: the next folder of PATH
    }
  }
  throw new Error('busybox is not on PATH: install the package busybox-static');
}

/** Whether the engine can stand in for an image: any tag of busybox, from any registry. */
export function canRunImage(image: string): boolean {
  const repository = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  return repository === 'busybox' || repository.endsWith('/busybox');
}
