import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Returns how the machine has changed, in lines: + what came, - what went. */
export function hostChanges(before: Record<string, string>): string[] {
  return Object.entries(hostSnapshot()).flatMap(([aspect, now]) => {
    const [old, present] = [linesOf(before[aspect] ?? ''), linesOf(now)];
    const came = [...present].filter((line) => !old.has(line)).map((line) => `${aspect} + ${line}`);
    const went = [...old].filter((line) => !present.has(line)).map((line) => `${aspect} - ${line}`);
    // Other people's mounts may go meanwhile; a lab has none here that could.
    return aspect === 'mounts' ? came : [...came, ...went];
  });
}

/** Docker may work meanwhile for somebody else; a lab has nothing of these names. */
const DOCKERS = /docker|br-[0-9a-f]{12}|containerlab/i;

function linesOf(text: string): Set<string> {
  return new Set(text.split('\n').filter((line) => !DOCKERS.test(line)));
}

/** Returns everything about the machine that a lab on it must not change. */
export function hostSnapshot(): Record<string, string> {
  return {
    links: run('ip', '-o', 'link').replace(/ qlen \d+/g, ''),
    addresses: run('ip', '-o', 'address').replace(/(valid|preferred)_lft \S+/g, ''),
    routes: run('ip', 'route', 'show', 'table', 'all'),
    rules: run('ip', 'rule'),
    rules6: run('ip', '-6', 'rule'),
    iptables: withoutCounts(run('iptables-save')),
    nftables: withoutCounts(run('nft', 'list', 'ruleset')),
    mounts: readFileSync('/proc/mounts', 'utf8'),
    namedNamespaces: run('ip', 'netns', 'list'),
    sysctls: sysctls(),
  };
}

/** Settings of the network, but for those that only count. */
function sysctls(): string {
  const all = run('sysctl', '-a').split('\n');
  return all
    .filter(
      (line) => line.startsWith('net.') && !/conntrack_count|conntrack_max|rt_cache|_generation|entropy/.test(line),
    )
    .join('\n');
}

function withoutCounts(rules: string): string {
  return rules
    .replace(/^#.*\n/gm, '')
    .replace(/\[\d+:\d+\]/g, '')
    .replace(/packets \d+ bytes \d+/g, '');
}

function run(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 << 20 });
  } catch (error) {
    // Not installed here, or not readable in part: the same before and after.
    const { stdout, code } = error as { stdout?: string; code?: string };
    return stdout || String(code);
  }
}
