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

/** A lab's workshop: where its commands run, and with what around them. */
export interface Session {
  lab: string;
  /** The folder that the commands run in, and keep what they saw in. */
  notebook: string;
  /** Told anew each time it is asked for: where the cluster was there before, its kubeconfig is the lab's only once it is deployed. */
  readonly environment: NodeJS.ProcessEnv;
  /** The background blocks that run, in the order in which they were started. */
  readonly background: Background[];
  /** Ends what runs in the background, and removes what was made for this session; a notebook that is not temporary stays. */
  end(): Promise<void>;
}

/** Where a workshop keeps what outlives it: the notebook, and how far the learner came. Not among labs' folders: it outlives them too. */
export function workshopFolder(lab: string): string {
  return join(stateRoot(), '.workshop', checkLabName(lab));
}

/**
 * Prepares to run the commands of a lab. `temporary`: the notebook is removed in the end. `engine` is the one that was chosen, if
 * any was. Throws a usage failure for a file whose name cannot be a lab's.
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
  // With the node that runs this: what `#!/usr/bin/env node` finds elsewhere may be too old, or nothing.
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
      // Not empty where another session runs.
      await rmdir(dirname(folder)).catch(() => undefined);
    },
  };
}

/** A folder of this process' own. What a killed one left is removed. */
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
    // The commands run in another folder than this, so that a relative path would be another one.
    WGLAB_HOME: stateRoot(),
    WGLAB_LAB: name,
    WGLAB_LAB_FILE: file,
    ...(chosen !== undefined && { WGLAB_ENGINE: chosen }),
    ...(before ? KUBECONFIG !== undefined && { KUBECONFIG } : { KUBECONFIG: kubeconfig }),
  };
}
