import { pathOf } from '../../../process/tool.ts';
import { IMAGE_BIN, type Image, POD_DEVICES } from './image.ts';

/**
 * The confinement of a container. Its root is pivoted to and the machine's own is detached, so that there is no way
 * back; its capabilities are Docker's default set without `mknod` and `sys_chroot`; it can never gain others. Where wglab
 * runs without root, all this is what a user namespace gives.
 */

/** The capabilities of a container. */
const CAPABILITIES =
  'chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,audit_write,setfcap'.split(',');
/** Needed until the container is entered, and given up there. */
const TO_ENTER = ['sys_admin', 'sys_chroot'];

const isRoot = process.getuid?.() === 0;

/**
 * The options of setpriv that let the holder hand down what containers need to be entered: root's programs take it from
 * the inheritable set once it is gone from the bounding one.
 */
export const HAND_DOWN = ['--inh-caps', only([...CAPABILITIES, ...TO_ENTER])];

/** argv that enters a container with no more capabilities than that takes; before it the environment must be clean. */
export function approach(privileged: boolean): string[] {
  if (privileged) return [];
  const entering = only([...CAPABILITIES, ...TO_ENTER]);
  return [
    ...[pathOf('setpriv') ?? 'setpriv', '--bounding-set', only(CAPABILITIES), '--inh-caps', entering],
    // Root has its capabilities by being root; another user keeps them through exec only as ambient ones.
    ...(isRoot ? [] : ['--ambient-caps', entering]),
  ];
}

/** argv that gives up, inside the container, what it took to enter it. */
export function settle(privileged: boolean, image: Image): string[] {
  if (privileged) return [];
  const setpriv = image === 'busybox' ? ['/bin/busybox', 'setpriv'] : [pathOf('setpriv') ?? 'setpriv'];
  const dropped = TO_ENTER.map((name) => `-${name}`).join(',');
  const ambient = isRoot ? [] : ['--ambient-caps', dropped];
  return [...setpriv, '--no-new-privs', ...ambient, '--inh-caps', dropped];
}

function only(names: readonly string[]): string {
  return ['-all', ...names.map((name) => `+${name}`)].join(',');
}

/** Mounts the programs of the image: busybox with its links, read-only from the start. */
const MOUNT_BUSYBOX = 'mount -o rbind "$bin" bin';

/**
 * Mounts the folders of the machine's own programs read-only, with all that is mounted in them, and of /etc what programs
 * need to start; a user namespace cannot clear flags that a mount has, so they are repeated. /sys shows the interfaces of
 * the network that the container is in.
 */
const MOUNT_HOST_TOOLS = `rm -rf bin sbin usr
for path in /bin /sbin /lib /lib32 /lib64 /libx32 /usr /etc/alternatives /etc/ld.so.cache /etc/ld.so.conf \
  /etc/ld.so.conf.d /etc/iproute2 /etc/perl /etc/protocols /etc/services; do
  if [ -L "$path" ]; then ln -s "$(readlink "$path")" "$root$path"; continue
  elif [ -d "$path" ]; then mkdir -p "$root$path"
  elif [ -e "$path" ]; then : > "$root$path"
  else continue
  fi
  mount -o rbind "$path" "$root$path"
done
while read -r _ _ _ _ point flags _; do
  case $point in "$root"/*) mount -o "remount,bind,$flags,ro" "$point" ;; esac
done < /proc/self/mountinfo
mkdir -p sys
mount -t sysfs -o "nosuid,nodev,noexec,$access" sysfs sys
mkdir -p var
ln -sf /run var/run`;

/**
 * Makes a container's root and enters it. By busybox, whose mount is no process of its own: a fourth of the time.
 *
 * Everything that a pod can choose a path for is mounted when the machine's files are out of reach, so that no symbolic
 * link in a volume, however quickly it changes, leads there: the volumes are first bound to places of our own, then the old
 * root goes, then they move to where the pod wants them.
 */
const START = `set -e
root=$1 bin=$2 devices=$3 image=$4 access=$5
shift 5
mount -o bind "$root" "$root"
cd "$root"
if [ "$image" = host-tools ]; then
${MOUNT_HOST_TOOLS}
else
${MOUNT_BUSYBOX}
fi
mount -o rbind "$devices" dev
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 tmpfs dev/shm
mount -t proc -o "nosuid,nodev,noexec,$access" proc proc
while [ "$1" != -- ]; do
  [ -e "$root$2" ] || mkdir -p "$root$2"
  mount -o rbind "$1" "$root$2"
  shift 2
done
shift
mkdir .old .volumes
n=0
while [ "$1" != -- ]; do
  mkdir ".volumes/$n"
  mount -o bind "$1" ".volumes/$n"
  n=$((n+1))
  shift
done
shift
pivot_root . .old
cd /
umount -l .old
n=0
while [ "$1" != -- ]; do
  source=/.volumes/$n
  if [ "$2" != . ]; then
    source=$source/$2
    [ -e "$source" ] || mkdir -p "$source"
  fi
  if [ -d "$source" ]; then mkdir -p "$1"
  elif [ ! -e "$1" ]; then
    mkdir -p "\${1%/*}/"
    : > "$1"
  fi
  mount -o bind "$source" "$1"
  [ "$3" = rw ] || mount -o remount,bind,nosuid,nodev,ro "$1"
  umount -l "/.volumes/$n"
  n=$((n+1))
  shift 3
done
shift
rmdir .volumes/* .volumes .old 2> /dev/null || :
echo >&3
exec 3>&-
exec "$@"`;

export interface RootPlan {
  /** The container's root folder, made by `makeRoot`. */
  root: string;
  image: Image;
  /** With all capabilities that the engine itself has, and with /proc and /sys to write to. */
  privileged: boolean;
  /** Files and folders of the engine's own, bound into the root. */
  fixtures: { source: string; target: string }[];
  volumes: VolumePlace[];
}

export interface VolumePlace {
  source: string;
  /** The part of the volume that is wanted; empty for all of it. */
  subPath: string;
  target: string;
  readOnly: boolean;
}

/** argv that makes a container's root in fresh mount and PID namespaces, enters it and runs a command there. It says so on descriptor 3. */
export function startInRoot(
  { root, image, privileged, fixtures, volumes }: RootPlan,
  command: readonly string[],
): string[] {
  return [
    ...['busybox', 'sh', '-c', START, 'container', root, IMAGE_BIN, POD_DEVICES, image, privileged ? 'rw' : 'ro'],
    ...fixtures.flatMap(({ source, target }) => [source, target]),
    ...['--', ...volumes.map(({ source }) => source)],
    ...['--', ...volumes.flatMap(({ target, subPath, readOnly }) => [target, subPath || '.', readOnly ? 'ro' : 'rw'])],
    ...['--', ...command],
  ];
}
