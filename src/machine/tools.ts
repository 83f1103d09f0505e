import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program of the machine, and the package of Debian and Ubuntu that brings it. */
export interface Tool {
  name: string;
  package: string;
}

/** The tools that the embedded engine always runs. wireguard-go is not here: not every machine needs it. */
export const EMBEDDED_TOOLS: readonly Tool[] = [
  { name: 'ip', package: 'iproute2' },
  { name: 'bridge', package: 'iproute2' },
  { name: 'tcpdump', package: 'tcpdump' },
  { name: 'wg', package: 'wireguard-tools' },
  { name: 'busybox', package: 'busybox-static' },
  { name: 'unshare', package: 'util-linux' },
  { name: 'nsenter', package: 'util-linux' },
  { name: 'setpriv', package: 'util-linux' },
  { name: 'script', package: 'bsdutils' },
  { name: 'openssl', package: 'openssl' },
  { name: 'mount', package: 'mount' },
  { name: 'bash', package: 'bash' },
  { name: 'sh', package: 'dash' },
  { name: 'grep', package: 'grep' },
  { name: 'hostname', package: 'hostname' },
  { name: 'stty', package: 'coreutils' },
  { name: 'chroot', package: 'coreutils' },
];

/** Labs run without it, but then their nodes have no firewall rules to look at. */
export const IPTABLES: Tool = { name: 'iptables-save', package: 'iptables' };

export const WIREGUARD_GO: Tool = { name: 'wireguard-go', package: 'wireguard-go' };

const SYSTEM_FOLDERS = ['/usr/local', '/usr', ''];

/**
 * Returns PATH with the sbin folder next to each of the system's bin folders that is in it: Debian keeps `bridge` and `chroot` there, and
 * leaves it out of the PATH of ordinary users, who may well run them in namespaces of their own.
 */
export function systemPath(path = process.env.PATH ?? ''): string {
  const folders = path.split(delimiter);
  const beside = SYSTEM_FOLDERS.filter((folder) => folders.includes(`${folder}/bin`)).map((folder) => `${folder}/sbin`);
  return [...folders, ...beside.filter((folder) => !folders.includes(folder))].join(delimiter);
}

/** The first program of that name on the system's PATH, as a shell would find it. A few system calls, no process. */
export function findTool(name: string): string | undefined {
  return systemPath()
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
