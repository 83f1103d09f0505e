import { FIREWALL_TABLES, type FirewallChain, type FirewallState, ruleHashes } from './firewall.ts';

/** Felix' part of a node's tables: its chains with the hashes of their rules, and its rules in the kernel's own chains. */
export interface FirewallFound {
  /** Hashes by `table chain`. A rule in Felix' chain that is not Felix' has no hash. */
  chains: Map<string, string[]>;
  /** Rules of the kernel's chains that carry a hash of Felix', as iptables-save prints them. */
  hooks: { table: string; chain: string; hash: string; line: string; isFirst: boolean }[];
}

const PREFIX = 'cali-';

/** Reads what `iptables-save` printed. */
export function readFirewall(saved: string): FirewallFound {
  const chains = new Map<string, string[]>();
  const hooks: FirewallFound['hooks'] = [];
  const begun = new Set<string>();
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const [, chain = ''] = /^(?::|-A )(\S+)/.exec(line) ?? [];
    const key = `${table} ${chain}`;
    if (line.startsWith(`:${PREFIX}`)) chains.set(key, []);
    if (!line.startsWith('-A ')) continue;
    const hash = /--comment "?cali:([A-Za-z0-9_-]{16})(?=["\s])/.exec(line)?.[1] ?? '';
    if (chain.startsWith(PREFIX)) chains.get(key)?.push(hash);
    else if (hash) hooks.push({ table, chain, hash, line, isFirst: !begun.has(key) });
    begun.add(key);
  }
  return { chains, hooks };
}

/**
 * Returns input for `iptables-restore --noflush` that makes Felix' part of the tables what it should be, each table in one step;
 * empty if nothing differs. Everything that is not Felix' is left as it is.
 */
export function firewallChanges(found: FirewallFound, { chains, hooks }: FirewallState): string {
  return FIREWALL_TABLES.map((table) => {
    const wanted = chains.filter((chain) => chain.table === table);
    const different = wanted.filter((chain) => !isThere(found, chain));
    const names = new Set(wanted.map(({ name }) => `${table} ${name}`));
    const stale = [...found.chains.keys()].filter((key) => key.startsWith(`${table} `) && !names.has(key));
    const ours = hooks
      .filter((hook) => hook.table === table)
      .map((hook) => ({ ...hook, hash: ruleHashes(hook.chain, [hook.rule])[0] ?? '' }));
    const present = found.hooks.filter((hook) => hook.table === table);
    const isRight = (hook: (typeof present)[number], i: number) =>
      ours.some(
        (own) => own.chain === hook.chain && own.hash === hook.hash && (own.place === 'last' || hook.isFirst),
      ) && present.findIndex((other) => other.chain === hook.chain && other.hash === hook.hash) === i;
    const kept = present.filter(isRight);
    const missing = ours.filter((own) => !kept.some((hook) => hook.chain === own.chain));
    const emptied = stale.map((key) => key.slice(table.length + 1));
    const lines = [
      // Naming a chain empties it, or makes it; then the rules that call it can come, and those that should not be can go.
      ...[...different.map(({ name }) => name), ...emptied].map((name) => `:${name} - [0:0]`),
      ...different.flatMap(ruleLines),
      ...present.filter((hook) => !kept.includes(hook)).map(({ line }) => line.replace(/^-A/, '-D')),
      ...missing.map(
        ({ chain, rule, hash, place }) => `${place === 'first' ? '-I' : '-A'} ${chain} ${hashComment(hash)} ${rule}`,
      ),
      ...emptied.map((name) => `-X ${name}`),
    ];
    return lines.length > 0 ? [`*${table}`, ...lines, 'COMMIT', ''].join('\n') : '';
  }).join('');
}

function isThere(found: FirewallFound, { table, name, rules }: FirewallChain): boolean {
  return found.chains.get(`${table} ${name}`)?.join() === ruleHashes(name, rules).join();
}

function ruleLines({ name, rules }: FirewallChain): string[] {
  const hashes = ruleHashes(name, rules);
  return rules.map((rule, i) => `-A ${name} ${hashComment(hashes[i] ?? '')} ${rule}`);
}

function hashComment(hash: string): string {
  return `-m comment --comment "cali:${hash}"`;
}
