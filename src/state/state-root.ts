import { type Stats, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { lackingFailure } from '../errors.ts';

/**
 * Returns the folder of all labs' state: `$WGLAB_HOME`, or `wglab` in `$XDG_STATE_HOME`, or in `~/.local/state`. Throws a lacking
 * failure if it exists and somebody else could change what is in it: it holds keys, and wglab runs what it finds there.
 */
export function stateRoot(environment: NodeJS.ProcessEnv = process.env): string {
  const root = pathOf(environment);
  checkOwner(root);
  return root;
}

function pathOf(environment: NodeJS.ProcessEnv): string {
  const { WGLAB_HOME, XDG_STATE_HOME } = environment;
  if (WGLAB_HOME) return resolve(WGLAB_HOME);
  // The XDG Base Directory Specification ignores relative paths.
  if (XDG_STATE_HOME && isAbsolute(XDG_STATE_HOME)) return join(XDG_STATE_HOME, 'wglab');
  const home = environment.HOME || homedir();
  if (!isAbsolute(home)) {
    throw lackingFailure('you have no home folder to keep the state of labs in', {
      remedy: 'Set WGLAB_HOME to a folder.',
    });
  }
  return join(home, '.local/state/wglab');
}

/** Write permission of the group and of everybody else. */
const OTHERS_WRITE = 0o022;

function checkOwner(root: string): void {
  const found = statOf(root);
  if (!found?.isDirectory()) return; // the code that makes the folder reports what is wrong
  const user = process.geteuid?.();
  if (user !== undefined && found.uid !== user) {
    throw lackingFailure(`${root} belongs to another user (uid ${found.uid}), and cannot keep your labs' state`, {
      remedy: 'Set WGLAB_HOME to a folder of your own.',
    });
  }
  if ((found.mode & OTHERS_WRITE) !== 0) {
    throw lackingFailure(`other users can write to ${root}, which keeps your labs' state`, {
      remedy: `chmod go-w ${root}`,
    });
  }
}

/** Returns undefined for a path that does not exist, and for one that leads through a file. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
