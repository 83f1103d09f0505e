import type { Account, Pending } from './accounts.ts';
import type { Cluster } from './cluster.ts';
import type { TapSeen } from './examine-tap.ts';
import { acceptedSessions } from './sessions.ts';
import type { TowardsSeen } from './towards.ts';

/** Below this, Linux gives no port to a connection that begins (net.ipv4.ip_local_port_range). */
const FIRST_EPHEMERAL = 32_768;

/** Settles what only all taps together show: whether sessions, handshakes, cookies and conversations are what they look like. */
export function settle(cluster: Cluster, taps: readonly TapSeen[]): void {
  const byNode = new Map(taps.map((tap) => [tap.node, tap]));
  const begun = taps.map(({ begunByNodes }) => begunByNodes);
  for (const tap of taps) {
    const accepted = new Map<string, ReadonlySet<number>>();
    for (const entry of tap.ledger.entries) {
      if (!tap.placed) entry.account = elsewhere(entry.account, tap.node);
      const { account } = entry;
      const { pending } = account;
      if (!pending) continue;
      if (pending.kind === 'pod to node') entry.account = ofConversation(cluster, account, pending, begun);
      else entry.account = ofEncryption(cluster, tap, byNode.get(account.to ?? ''), account, pending, accepted);
    }
  }
}

/** A tap that shows no frame of its node's was not on the underlay: what it shows need not have been on the wire. */
function elsewhere({ protocol, port }: Account, node: string): Account {
  return {
    class: 'unexplained',
    what: 'captured elsewhere than on the underlay',
    from: node,
    to: null,
    protocol,
    port,
  };
}

function ofConversation(
  { design }: Cluster,
  account: Account,
  { conversation }: Extract<Pending, { kind: 'pod to node' }>,
  begun: readonly ReadonlySet<string>[],
): Account {
  const settled = without(account);
  if (design.nodeToPod === 'by design') return settled;
  if (begun.some((each) => each.has(conversation))) {
    return { ...settled, class: 'pod plaintext', what: 'a pod answers a node' };
  }
  const [, nodePort, , podPort] = conversation.split(' ').map(Number);
  const looksLikeAnswer = (podPort ?? 0) < FIRST_EPHEMERAL && (nodePort ?? 0) >= FIRST_EPHEMERAL;
  return looksLikeAnswer ? { ...settled, class: 'unexplained', what: 'a pod that seems to answer a node' } : settled;
}

function ofEncryption(
  cluster: Cluster,
  tap: TapSeen,
  other: TapSeen | undefined,
  account: Account,
  pending: Exclude<Pending, { kind: 'pod to node' }>,
  accepted: Map<string, ReadonlySet<number>>,
): Account {
  const to = account.to ?? '';
  const seen = tap.towards.get(to);
  const answers = other?.towards.get(tap.node);
  const settled = without(account);
  const unexplained = (what: string): Account => ({ ...settled, class: 'unexplained', what });
  if (!seen) return unexplained(account.what);
  switch (pending.kind) {
    case 'data':
    case 'keepalive': {
      const session = seen.wireguard.find((each) => each.session === pending.session);
      const why = pending.kind === 'data' ? session?.structure : session?.keepaliveStructure;
      if (why) return unexplained(`WireGuard's header, but ${why}`);
      if (!cluster.node(to)) return { ...settled, what: `${settled.what}, of a node that was not asked` };
      if (sessionsOf(cluster, tap.node, to, seen, answers, accepted).has(pending.session)) return settled;
      return unexplained('WireGuard of no session that the two nodes have');
    }
    case 'handshake':
    case 'mac2':
      if (!seen.handshakesRandom) return unexplained('WireGuard handshakes with structured content');
      if (pending.kind === 'mac2' && !answers?.sentCookies)
        return unexplained('WireGuard handshakes with a mac2, without a cookie');
      return settled;
    case 'cookie':
      if (!seen.handshakesRandom) return unexplained('WireGuard cookies with structured content');
      return answers?.announced.has(pending.session)
        ? settled
        : unexplained('WireGuard cookies that answer no handshake');
    case 'esp': {
      const structure = seen.esp.find((each) => each.session === pending.session)?.structure;
      return structure ? unexplained(`ESP: ${structure}`) : settled;
    }
  }
}

function sessionsOf(
  cluster: Cluster,
  from: string,
  to: string,
  seen: TowardsSeen,
  answers: TowardsSeen | undefined,
  known: Map<string, ReadonlySet<number>>,
): ReadonlySet<number> {
  const before = known.get(to);
  if (before) return before;
  const [sender, receiver] = [cluster.node(from), cluster.node(to)];
  const sessions = sender && receiver ? acceptedSessions(sender, receiver, seen, answers) : [];
  const accepted = new Set(sessions.map(({ session }) => session));
  known.set(to, accepted);
  return accepted;
}

function without({ pending: _, ...settled }: Account): Account {
  return settled;
}
