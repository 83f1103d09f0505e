import type { Fix } from './check.ts';
import { findTool } from './tools.ts';

/** The commands that put a fix into effect, as this user can give them: through `sudo` where the user is not root. */
export function commandsOf(fix: Fix): string[][] {
  const commands = 'packages' in fix ? [installCommand(fix.packages)] : fix.commands;
  return commands.map(asRoot);
}

/** Returns the command that applies a fix, or a sentence if the machine has no apt-get. */
export function remedyOf(fix: Fix): string {
  if ('packages' in fix && findTool('apt-get') === undefined) {
    return `install what Debian and Ubuntu call ${fix.packages.join(', ')} with this machine's package manager`;
  }
  return commandsOf(fix)
    .map((command) => command.join(' '))
    .join(' && ');
}

function installCommand(packages: readonly string[]): string[] {
  return ['apt-get', 'install', '-y', '--no-install-recommends', ...new Set(packages)];
}

export function asRoot(command: readonly string[]): string[] {
  return process.getuid?.() === 0 ? [...command] : ['sudo', ...command];
}
