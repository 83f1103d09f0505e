import { overlap, parseCidr } from '../../../net/cidr.ts';
import { type FirewallRule, type NodeFindings, onNode } from './facts.ts';

/** Reads firewall rules as far as they may concern the tunnel, pods' traffic, or Felix' mark. In doubt a rule concerns it. */

/** Returns whether a rule may drop WireGuard's packets between a node and its peers. */
export function mayDropTunnel(rule: FirewallRule, node: NodeFindings, peers: readonly string[]): boolean {
  if (!drops(rule) || ['forward', 'FORWARD'].includes(rule.hook ?? rule.chain)) return false;
  if (rule.text === 'policy drop') return true;
  return (
    isOfProtocol(rule.text, 'udp') &&
    namesPort(rule.text, node.felix.port) &&
    namesOneOf(rule.text, peers) &&
    namesInterface(rule.text, (name) => matches(name, node.underlay?.device ?? name))
  );
}

/** Returns whether a rule may drop packets that are forwarded between pods and the tunnel. */
export function mayDropForwarded(rule: FirewallRule, node: NodeFindings, blocks: readonly string[]): boolean {
  if (!drops(rule) || !['forward', 'FORWARD'].includes(rule.hook ?? rule.chain)) return false;
  if (rule.text === 'policy drop') return true;
  const isOurs = (name: string) => matches(name, 'cali0123') || matches(name, node.felix.interface);
  return namesOneOf(rule.text, blocks) && namesInterface(rule.text, isOurs);
}

/** Returns whether a rule sets a bit of Felix' mark, by which a packet gets past WireGuard. */
export function mayMark({ text }: FirewallRule, mark: string): boolean {
  const wanted = Number(mark) || 0;
  const set = /(?:--set-x?mark|--or-mark) (\S+)/.exec(text)?.[1] ?? /mark set (.*?)(?: #|$)/.exec(text)?.[1];
  if (set === undefined || wanted === 0) return false;
  const numbers = [...(set.split('/')[0] ?? '').matchAll(/0x[0-9a-f]+|\b\d+\b/gi)].map(([number]) => Number(number));
  return numbers.some((number) => (BigInt(number) & BigInt(wanted)) !== 0n && !/\band\b/.test(set));
}

/** The command that removes a rule, or what a policy drops. */
export function removal(node: string, { by, table, chain, text }: FirewallRule): string {
  if (by === 'nft') {
    if (text === 'policy drop') return onNode(node, `nft chain ${table} ${chain} '{ policy accept ; }'`);
    return onNode(node, `nft delete rule ${table} ${chain} handle ${/# handle (\d+)/.exec(text)?.[1] ?? 'HANDLE'}`);
  }
  if (text === 'policy drop') return onNode(node, `${by} -t ${table} -P ${chain} ACCEPT`);
  return onNode(node, `${by} -t ${table} ${text.replace(/^-A /, '-D ')}`);
}

/** A rule in one line, with where it is. */
export function shownRule({ by, table, chain, text }: FirewallRule): string {
  if (by === 'nft') return `nft ${table} ${chain}: ${text}`;
  return text === 'policy drop' ? `${by} -t ${table} -P ${chain} DROP` : `${by} -t ${table} ${text}`;
}

function drops({ text }: FirewallRule): boolean {
  // Packets of no connection are dropped by kube-proxy and Docker too.
  if (/ctstate INVALID|ct state invalid/i.test(text)) return false;
  return text === 'policy drop' || /-j (DROP|REJECT)\b|\b(drop|reject)\b/.test(text);
}

function isOfProtocol(text: string, protocol: string): boolean {
  const [, not, named] = /(! )?-p (\S+)/.exec(text) ?? [];
  if (named !== undefined) return not ? named !== protocol : [protocol, 'all', '17'].includes(named);
  return !/\b(tcp|icmp|icmpv6|sctp)\b/.test(text.replace(/(--reject-with|reject with) .*/, ''));
}

function namesPort(text: string, port: number): boolean {
  const found = /--(?:d|s)ports? (\S+)|\b(?:d|s)port (?:\{([^}]*)\}|(\S+))/.exec(text);
  const ports = found?.[1] ?? found?.[2] ?? found?.[3];
  if (ports === undefined) return true;
  return ports.split(',').some((each) => {
    const [low, high] = each.trim().split(/[:-]/).map(Number);
    return low !== undefined && low <= port && port <= (high ?? low);
  });
}

/** Returns whether a rule names none of source and destination, or one that has an address in common with these. */
function namesOneOf(text: string, networks: readonly string[]): boolean {
  const named = [...text.matchAll(/(?:-s|-d|saddr|daddr) ([0-9a-f.:/]+)/gi)].flatMap(
    ([, one = '']) => cidrOf(one) ?? [],
  );
  if (named.length === 0) return true;
  const ours = networks.flatMap((network) => cidrOf(network) ?? []);
  return named.some((one) => ours.some((other) => overlap(one, other)));
}

function cidrOf(text: string) {
  return parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);
}

function namesInterface(text: string, isConcerned: (name: string) => boolean): boolean {
  const named = [...text.matchAll(/(?:^|\s)(?:-i|-o|iifname|oifname|iif|oif) "?([^\s"]+)"?/g)].map(
    ([, name = '']) => name,
  );
  return named.length === 0 || named.some(isConcerned);
}

/** `cali+` of iptables and `cali*` of nft are beginnings. */
function matches(pattern: string, name: string): boolean {
  return /[+*]$/.test(pattern) ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
