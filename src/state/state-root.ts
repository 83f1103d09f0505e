import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { lackingFailure } from '../errors.ts';

/** The folder of all labs' state: `$WGLAB_HOME`, or `wglab` in `$XDG_STATE_HOME`, or in `~/.local/state`. */
export function stateRoot(environment: NodeJS.ProcessEnv = process.env): string {
  const { WGLAB_HOME, XDG_STATE_HOME } = environment;
  if (WGLAB_HOME) return resolve(WGLAB_HOME);
  // The XDG Base Directory Specification has relative paths be ignored.
  if (XDG_STATE_HOME && isAbsolute(XDG_STATE_HOME)) return join(XDG_STATE_HOME, 'wglab');
  const home = environment.HOME || homedir();
  if (!isAbsolute(home)) {
    throw lackingFailure('you have no home folder to keep the state of labs in', {
      remedy: 'Set WGLAB_HOME to a folder.',
    });
  }
  return join(home, '.local/state/wglab');
}
