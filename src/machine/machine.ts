import { accessSync, constants, statfsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { Failure, messageOf } from '../errors.ts';
import { runTool } from '../process/tool.ts';
import { stateRoot } from '../state/state-root.ts';
import { storageFailure } from '../state/whole-file.ts';
import type { Check } from './check.ts';
import { findTool } from './tools.ts';

const MIB = 1024 * 1024;

/** The oldest Node that wglab is built for: `engines` of package.json. */
const OLDEST_NODE = [20, 19] as const;

/** The oldest kubectl that the labs' commands are tried with. */
const OLDEST_KUBECTL = [1, 30] as const;

/** Free disk space in bytes: below the first figure a lab may not be able to keep its kubeconfig, below the second its evidence soon fills the disk. */
const LEAST_DISK = 16 * MIB;
const ENOUGH_DISK = 200 * MIB;

/** A standing lab of three nodes takes less than 150 MB, and a `verify` about as much while it runs. */
const ENOUGH_MEMORY = 300 * MIB;

/** Checks what any engine needs of the machine, and kubectl, which the labs' steps use. */
export async function machineChecks(): Promise<Check[]> {
  const [memory, kubectl] = await Promise.all([memoryCheck(), kubectlCheck()]);
  return [systemCheck(), nodeCheck(process.versions.node), ...stateChecks(), memory, kubectl];
}

function systemCheck(): Check {
  const linux = process.platform === 'linux';
  const check = { name: 'Linux', ok: linux, seen: `${process.platform} ${release()}`, needed: 'Linux' };
  return linux ? check : { ...check, remedy: 'run wglab on Linux; a virtual machine will do' };
}

/** `version` as `process.versions.node` has it. */
export function nodeCheck(version: string): Check {
  const needed = `${OLDEST_NODE.join('.')} or later`;
  if (isAtLeast(version, OLDEST_NODE)) return { name: 'Node', ok: true, seen: version, needed };
  return {
    name: 'Node',
    ok: false,
    seen: version,
    needed,
    remedy: `install Node ${needed}: https://nodejs.org/en/download`,
  };
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [its = 0, least = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return its > major || (its === major && least >= minor);
}

function stateChecks(): Check[] {
  const needed = 'a folder for the state of labs that can be written';
  try {
    const root = stateRoot();
    const there = nearestFolder(root);
    return [{ name: 'state folder', ok: true, seen: root, needed }, diskCheck(there)];
  } catch (error) {
    const { message, remedy } = error instanceof Failure ? error : storageFailure(error, 'use the state folder');
    return [{ name: 'state folder', ok: false, seen: message, needed, ...(remedy === undefined ? {} : { remedy }) }];
  }
}

/** The folder, or the one above it that is there; throws a lacking failure where nothing can be made in it. */
function nearestFolder(folder: string): string {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing && dirname(folder) !== folder) return nearestFolder(dirname(folder));
    throw storageFailure(error, `write to ${folder}`);
  }
}

function diskCheck(folder: string): Check {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const check = { name: 'disk', seen: `${inMebibytes(free)} free`, needed: inMebibytes(ENOUGH_DISK) };
  if (free >= ENOUGH_DISK) return { ...check, ok: true };
  const remedy = `free some space on the disk of ${folder}, or set WGLAB_HOME to a folder on another one`;
  return { ...check, ok: free < LEAST_DISK ? false : 'warning', remedy };
}

async function memoryCheck(): Promise<Check> {
  const kibibytes = /^MemAvailable:\s*(\d+)/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1];
  const free = Number(kibibytes ?? 0) * 1024;
  const check = { name: 'memory', seen: `${inMebibytes(free)} available`, needed: inMebibytes(ENOUGH_MEMORY) };
  if (free >= ENOUGH_MEMORY) return { ...check, ok: true };
  return { ...check, ok: 'warning', remedy: 'end programs that take much memory, or use fewer workers' };
}

function inMebibytes(bytes: number): string {
  return bytes >= 10 * 1024 * MIB ? `${Math.floor(bytes / 1024 / MIB)} GiB` : `${Math.floor(bytes / MIB)} MiB`;
}

async function kubectlCheck(): Promise<Check> {
  const check = {
    name: 'kubectl',
    needed: `${OLDEST_KUBECTL.join('.')} or later, to look at labs by hand; wglab itself does without`,
  };
  const path = findTool('kubectl');
  const get = { ok: 'warning', remedy: getKubectl() } as const;
  if (path === undefined) return { ...check, ...get, seen: 'not on PATH' };
  try {
    const options = { timeout: 5_000, killSignal: 'SIGKILL' } as const;
    const { clientVersion } = JSON.parse(await runTool([path, 'version', '--client', '--output=json'], '', options));
    const version = String(clientVersion?.gitVersion ?? 'of unknown version');
    const seen = `${version} (${path})`;
    return isAtLeast(version.replace(/^v/, ''), OLDEST_KUBECTL)
      ? { ...check, ok: true, seen }
      : { ...check, ...get, seen };
  } catch (error) {
    return { ...check, ...get, seen: `${path} does not run: ${messageOf(error)}` };
  }
}

/** From Kubernetes' own release server (kubernetes.io, "Install and Set Up kubectl on Linux"), without root. */
function getKubectl(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const url = `https://dl.k8s.io/release/v1.33.13/bin/linux/${architecture}/kubectl`;
  return `mkdir -p ~/.local/bin && curl -fLo ~/.local/bin/kubectl ${url} && chmod +x ~/.local/bin/kubectl`;
}
