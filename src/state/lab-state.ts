import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, labFailure, usageFailure } from '../errors.ts';
import { ENGINE_NAMES, type EngineName } from './engine-name.ts';
import { checkLabName, isLabName } from './lab-name.ts';
import { stateRoot } from './state-root.ts';
import { makePrivateFolder, storageFailure, writeWhole } from './whole-file.ts';

/** The content of `lab.json`. The Kubernetes objects and the network are not in it: the cluster itself knows them better. */
export interface LabState {
  version: 1;
  name: string;
  engine: EngineName;
  /** The lab's Markdown file, absolute. */
  lab: string;
  /** The topology file, absolute; a cluster that was there before has none. */
  topology?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** The implementation of WireGuard: the kernel's, or wireguard-go. */
  dataplane?: 'kernel' | 'userspace';
  nodes: string[];
  /** The nodes that are none of Kubernetes', and the interfaces of their links; undefined where there are none. */
  linux?: LinuxNodeState[];
  /** The engine's own, which nobody else looks into. */
  engineData?: unknown;
}

export interface LinuxNodeState {
  name: string;
  interfaces: string[];
}

/** A lab that has a state folder; `problem` says what is wrong with its state if it cannot be read. */
export type KnownLab = { name: string } & ({ state: LabState; problem?: never } | { state?: never; problem: Failure });

/** The paths of a lab's files. */
export interface LabPaths {
  folder: string;
  state: string;
  kubeconfig: string;
  log: string;
}

/** Returns the paths of a lab of that name, whether it exists or not. Throws a usage failure for what cannot be a name. */
export function labPaths(name: string): LabPaths {
  const folder = join(stateRoot(), checkLabName(name));
  return {
    folder,
    state: join(folder, 'lab.json'),
    kubeconfig: join(folder, 'kubeconfig'),
    log: join(folder, 'log'),
  };
}

/** In every folder that wglab made for a lab: a folder of that name may be somebody's, and is not to be removed. */
const MARK = '.wglab';

/**
 * Makes the folder of a lab, for its owner only. Throws a lacking failure if that is not possible, and a usage failure if a folder is
 * there that wglab did not make.
 */
export async function makeLabFolder(name: string): Promise<LabPaths> {
  const paths = labPaths(name);
  const entries = await entriesOf(paths.folder);
  if (entries.length > 0 && !isOurs(entries)) throw notOurs(name, paths.folder);
  await makePrivateFolder(paths.folder);
  await writeWhole(join(paths.folder, MARK), '', 0o600);
  return paths;
}

/** Writes `lab.json`, and makes the lab's folder if it is missing. */
export async function saveLabState(state: LabState): Promise<void> {
  const paths = await makeLabFolder(state.name);
  await writeWhole(paths.state, `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

/** Returns the state of a lab, or undefined if there is none. Throws a lab failure if `lab.json` is broken. */
export async function readLabState(name: string): Promise<LabState | undefined> {
  const { state: file } = labPaths(name);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw storageFailure(error, `read ${file}`);
  }
  return parseLabState(text, name, file);
}

/** Returns all labs that have a folder, by name; also those whose state is broken, for they must be destroyed too. */
export async function listLabStates(): Promise<KnownLab[]> {
  const root = stateRoot();
  const entries = await readdir(root, { withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw storageFailure(error, `read the folder ${root}`);
  });
  const folders = entries.filter((entry) => entry.isDirectory() && isLabName(entry.name)).map(({ name }) => name);
  const ours = await Promise.all(folders.map(async (name) => isOurs(await entriesOf(join(root, name)))));
  return Promise.all(
    folders
      .filter((_, i) => ours[i])
      .sort()
      .map(knownLab),
  );
}

/**
 * Removes everything that is kept of a lab, also what is broken; nothing to remove is fine. Throws a lacking failure if that is not
 * possible, and a usage failure for a folder that wglab did not make.
 */
export async function removeLabState(name: string): Promise<void> {
  const { folder } = labPaths(name);
  try {
    const entries = await entriesOf(folder);
    if (entries.length > 0 && !isOurs(entries)) throw notOurs(name, folder);
    // The entries that mark it as a lab go last: as long as something is left, the lab is known and can be destroyed again.
    for (const entry of entries.filter((entry) => !OURS.includes(entry))) {
      await rm(join(folder, entry), { recursive: true, force: true });
    }
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    throw storageFailure(error, `remove ${folder}`);
  }
}

const OURS: readonly string[] = [MARK, 'lab.json'];

function isOurs(entries: readonly string[]): boolean {
  return OURS.some((name) => entries.includes(name));
}

function notOurs(name: string, folder: string): Failure {
  return usageFailure(`${folder} was not made by wglab: "${name}" is no lab`, {
    remedy: 'Choose another name with --name, or set WGLAB_HOME to a folder for wglab alone.',
  });
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw storageFailure(error, `read the folder ${folder}`);
  }
}

async function knownLab(name: string): Promise<KnownLab> {
  try {
    const state = await readLabState(name);
    return state ? { name, state } : { name, problem: broken(name, `${labPaths(name).state} is missing`) };
  } catch (error) {
    if (error instanceof Failure) return { name, problem: error };
    throw error;
  }
}

function parseLabState(text: string, name: string, file: string): LabState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw broken(name, `${file} is not JSON`, cause);
  }
  const wrong = wrongField(value, name);
  if (wrong !== undefined) throw broken(name, `${file}: ${wrong}`);
  return value as LabState;
}

function broken(name: string, what: string, cause?: unknown): Failure {
  return labFailure(`the state of the lab "${name}" is broken: ${what}`, {
    remedy: `Remove what is left of it with \`wglab destroy ${name}\`.`,
    cause,
  });
}

/** Returns why a value is no LabState. Written by hand: `status` and `destroy` read it, and must not wait for a schema library. */
function wrongField(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it holds no object';
  const state: Partial<Record<keyof LabState, unknown>> = value;
  const isText = (field: unknown) => typeof field === 'string' && field !== '';
  if (state.version !== 1)
    return `version ${JSON.stringify(state.version)} was written by another wglab; this one knows 1`;
  if (state.name !== name) return `it is of a lab named ${JSON.stringify(state.name)}`;
  if (!ENGINE_NAMES.some((engine) => engine === state.engine))
    return `there is no engine ${JSON.stringify(state.engine)}`;
  if (!isText(state.lab)) return '"lab" must be a path';
  if (state.topology !== undefined && !isText(state.topology)) return '"topology" must be a path';
  if (!isText(state.createdAt) || Number.isNaN(Date.parse(String(state.createdAt))))
    return '"createdAt" must be a time';
  if (!['kernel', 'userspace', undefined].some((dataplane) => dataplane === state.dataplane)) {
    return '"dataplane" must be "kernel" or "userspace"';
  }
  if (!Array.isArray(state.nodes) || !state.nodes.every(isText)) return '"nodes" must be a list of names';
  if (state.linux !== undefined && !(Array.isArray(state.linux) && state.linux.every(isLinuxNode)))
    return '"linux" must be a list of nodes, with name and interfaces';
  return undefined;
}

function isLinuxNode(value: unknown): value is LinuxNodeState {
  const { name, interfaces } = (value ?? {}) as Partial<Record<keyof LinuxNodeState, unknown>>;
  const isText = (field: unknown) => typeof field === 'string' && field !== '';
  return isText(name) && Array.isArray(interfaces) && interfaces.every(isText);
}
