import { spawn } from 'node:child_process';
import type { Check, Fix } from './check.ts';
import { commandsOf } from './remedy.ts';
import { findTool } from './tools.ts';

/** How the remedies went: what could not be done, in words. */
export type Problems = string[];

/** Hears a command before it runs, and what it does where that is not plain to see. */
export type Announce = (command: string, says?: string) => void;

/**
 * Puts the fixes of all checks that fail or warn into effect: packages first, in one go, then the rest. The commands speak on standard error and may ask for a password.
 */
export async function applyFixes(checks: readonly Check[], announce: Announce): Promise<Problems> {
  const fixes = combined(checks);
  const problems: Problems = [];
  for (const fix of fixes) {
    const lacks = 'packages' in fix && findTool('apt-get') === undefined ? 'apt-get' : lackingSudo();
    if (lacks !== undefined) {
      problems.push(`${lacks} is missing: ${describe(fix)} by hand`);
      continue;
    }
    if (!(await applyFix(fix, announce))) problems.push(failureOf(fix));
  }
  return problems;
}

/** One fix for all packages, and one for each other command. */
function combined(checks: readonly Check[]): Fix[] {
  const fixes = checks.flatMap(({ ok, fix }) => (ok !== true && fix ? [fix] : []));
  const packages = [...new Set(fixes.flatMap((fix) => ('packages' in fix ? fix.packages : [])))];
  const others = fixes.filter((fix) => 'commands' in fix);
  return packages.length > 0 ? [{ packages }, ...others] : others;
}

function lackingSudo(): string | undefined {
  return process.getuid?.() === 0 || findTool('sudo') !== undefined ? undefined : 'you are not root, and sudo';
}

/** A fresh machine may not know its packages yet: then apt-get fetches their list, and is tried once more. */
async function applyFix(fix: Fix, announce: Announce): Promise<boolean> {
  const says = 'says' in fix ? fix.says : undefined;
  if (await runAll(commandsOf(fix), (command) => announce(command, says))) return true;
  if (!('packages' in fix)) return false;
  return runAll([...commandsOf({ commands: [['apt-get', 'update']] }), ...commandsOf(fix)], announce);
}

async function runAll(commands: readonly string[][], announce: Announce): Promise<boolean> {
  for (const command of commands) {
    announce(command.join(' '));
    if ((await run(command)) !== 0) return false;
  }
  return true;
}

/** Its output goes to standard error, for standard output is for data. */
function run([command = '', ...rest]: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, rest, {
      stdio: ['inherit', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    child.on('error', () => resolve(127));
    child.on('close', (status) => resolve(status ?? 128));
  });
}

function failureOf(fix: Fix): string {
  if (!('packages' in fix)) return `this did not work: ${describe(fix)}`;
  const inUniverse = fix.packages.filter((name) => ['busybox-static', 'wireguard-go'].includes(name));
  const hint =
    inUniverse.length > 0
      ? `; on Ubuntu, ${inUniverse.join(' and ')} come from "universe": sudo add-apt-repository universe`
      : '';
  return `apt-get did not install ${fix.packages.join(', ')}${hint}`;
}

function describe(fix: Fix): string {
  return 'packages' in fix
    ? `install ${fix.packages.join(', ')}`
    : fix.commands.map((command) => command.join(' ')).join(', ');
}
