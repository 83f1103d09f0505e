import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, rmdir, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { LabDefinition } from '../lab/lab-definition.ts';
import { packageRoot } from '../lab/package-root.ts';
import { isAlive, processIdentity } from '../process/identity.ts';
import { checkLabName } from '../state/lab-name.ts';
import { labPaths } from '../state/lab-state.ts';
import { stateRoot } from '../state/state-root.ts';
import { makePrivateFolder, storageFailure } from '../state/whole-file.ts';
import type { Background } from './block-run.ts';

/** The surroundings in which the commands of a lab's workshop run. */
export interface Session {
  lab: string;
  /** The folder in which the commands run and save what they saw. */
  notebook: string;
  /** Computed again at each access: for a cluster that existed before, the lab has its own kubeconfig only once it is deployed. */
  readonly environment: NodeJS.ProcessEnv;
  /** The running background blocks, in the order in which they were started. */
  readonly background: Background[];
  /** Ends the background blocks, and removes what was made for this session; a notebook that is not temporary stays. */
  end(): Promise<void>;
}

/** Returns the folder for what outlives a workshop: the notebook, and the learner's progress. It is not among labs' folders, because it outlives them too. */
export function workshopFolder(lab: string): string {
  return join(stateRoot(), '.workshop', checkLabName(lab));
}

/**
 * Prepares to run the commands of a lab. If `temporary`, the notebook is removed at the end. `engine` is the chosen engine, if
 * any. Throws a usage failure for a file whose name cannot be a lab's.
 */
export async function openSession(
  definition: LabDefinition,
  options: { temporary?: boolean; engine?: string } = {},
): Promise<Session> {
  const lab = checkLabName(definition.name);
  const folder = await makeSessionFolder();
  const notebook = join(options.temporary ? folder : workshopFolder(lab), 'notebook');
  const tools = join(folder, 'bin');
  await makePrivateFolder(notebook);
  await mkdir(tools);
  // The Node that runs this comes first on PATH: `#!/usr/bin/env node` might find one that is too old, or none.
  await symlink(process.execPath, join(tools, 'node'));
  await symlink(join(packageRoot(), 'bin', 'wglab'), join(tools, 'wglab'));
  const background: Background[] = [];
  return {
    lab,
    notebook,
    background,
    get environment() {
      return environmentOf(definition, tools, options.engine);
    },
    async end() {
      await Promise.all(background.splice(0).map(({ job }) => job.interrupt()));
      await rm(folder, { recursive: true, force: true });
      // The folder is not empty if another session runs.
      await rmdir(dirname(folder)).catch(() => undefined);
    },
  };
}

/** Makes a folder for this process alone, and removes those that killed processes left. */
async function makeSessionFolder(): Promise<string> {
  const sessions = join(stateRoot(), '.sessions');
  await makePrivateFolder(sessions);
  for (const entry of await readdir(sessions)) {
    if (!isAlive(entry.replace(/-[^-]*$/, ''))) await rm(join(sessions, entry), { recursive: true, force: true });
  }
  return mkdtemp(join(sessions, `${processIdentity()}-`)).catch((error) => {
    throw storageFailure(error, `make a folder in ${sessions}`);
  });
}

function environmentOf({ name, file }: LabDefinition, tools: string, engine: string | undefined): NodeJS.ProcessEnv {
  const { PATH = '', KUBECONFIG, WGLAB_ENGINE, ...inherited } = process.env;
  const chosen = engine === undefined || engine === 'auto' ? WGLAB_ENGINE : engine;
  const { kubeconfig } = labPaths(name);
  const before = chosen === 'kubernetes' && !existsSync(kubeconfig);
  return {
    ...inherited,
    PATH: `${tools}${delimiter}${PATH}`,
    // The commands run in another folder, where a relative path would mean another place.
    WGLAB_HOME: stateRoot(),
    WGLAB_LAB: name,
    WGLAB_LAB_FILE: file,
    ...(chosen !== undefined && { WGLAB_ENGINE: chosen }),
    ...(before ? KUBECONFIG !== undefined && { KUBECONFIG } : { KUBECONFIG: kubeconfig }),
  };
}
