import type { Account, Pending } from './accounts.ts';
import type { Cluster } from './cluster.ts';
import type { TapSeen } from './examine-tap.ts';
import { acceptedSessions } from './sessions.ts';
import type { WireguardSeen } from './wireguard-way.ts';

/** Below this, Linux gives no port to a connection that begins (net.ipv4.ip_local_port_range). */
const FIRST_EPHEMERAL = 32_768;

/** Settles the pending accounts, which need all taps: whether sessions, handshakes, cookies and conversations are what they seem. */
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

/** Returns the account for a tap without any frame from its own node: not being on the underlay, it need not show the wire. */
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
  const settled = without(account);
  const unexplained = (what: string): Account => ({ ...settled, class: 'unexplained', what });
  const [from, to] = [tap.node, account.to ?? ''];
  const seen = tap.towards.get(to);
  if (pending.kind === 'esp') {
    const structure = seen?.esp.find((each) => each.session === pending.session)?.structure;
    return structure ? unexplained(`ESP: ${structure}`) : settled;
  }
  const way = seen?.wireguard.get(pending.family);
  if (!way) return unexplained(account.what);
  if (cluster.node(to) && !cluster.device(to, pending.family)) {
    return unexplained('WireGuard, to a node without such a device');
  }
  const answers = other?.towards.get(from)?.wireguard.get(pending.family);
  switch (pending.kind) {
    case 'data':
    case 'keepalive': {
      const session = way.sessions.find((each) => each.session === pending.session);
      const why = pending.kind === 'data' ? session?.structure : session?.keepaliveStructure;
      if (why) return unexplained(`WireGuard's header, but ${why}`);
      if (!cluster.node(to)) return { ...settled, what: `${settled.what}, to a node that was not asked` };
      const sessions = sessionsOf(cluster, from, to, pending.family, way, answers, accepted);
      return sessions.has(pending.session) ? settled : unexplained('WireGuard of no session that the two nodes have');
    }
    case 'handshake':
    case 'mac2':
      if (!way.handshakesRandom) return unexplained('WireGuard handshakes with structured content');
      if (pending.kind === 'handshake' || answers?.sentCookies) return settled;
      return unexplained('WireGuard handshakes with a mac2, without a cookie');
    case 'cookie':
      if (!way.handshakesRandom) return unexplained('WireGuard cookies with structured content');
      if (answers?.announced.has(pending.session)) return settled;
      return unexplained('WireGuard cookies that answer no handshake');
  }
}

function sessionsOf(
  cluster: Cluster,
  from: string,
  to: string,
  family: 4 | 6,
  seen: WireguardSeen,
  answers: WireguardSeen | undefined,
  known: Map<string, ReadonlySet<number>>,
): ReadonlySet<number> {
  const before = known.get(`${to} ${family}`);
  if (before) return before;
  const [sender, receiver] = [cluster.device(from, family), cluster.device(to, family)];
  const sessions = sender && receiver ? acceptedSessions(sender, receiver, seen, answers) : [];
  const accepted = new Set(sessions.map(({ session }) => session));
  known.set(`${to} ${family}`, accepted);
  return accepted;
}

function without({ pending: _, ...settled }: Account): Account {
  return settled;
}
