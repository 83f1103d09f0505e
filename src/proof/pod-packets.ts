import type { Account, LedgerClass, Route } from './accounts.ts';
import type { Header } from './headers.ts';
import { isOnLink, isPrivate, type WireDesign } from './wire-design.ts';

/** The place where a frame was captured, and what is known about the cluster. */
export interface Sight {
  /** The node whose tap captured it, and the node that the frame is addressed to by its MAC address, if it is one. */
  readonly tap: string;
  readonly nextHop: string | undefined;
  /** The nodes that the claim is about. */
  readonly claimed: ReadonlySet<string>;
  readonly design: WireDesign;
}

/**
 * Returns the account of a frame for one of its IP headers if a pod's address is at either end of it, else undefined. Source
 * NAT hides a pod behind a node's address, so one end is enough.
 */
export function accountOfPods(header: Header, sight: Sight): Account | undefined {
  const { from, to } = header;
  if (from?.kind !== 'pod' && to?.kind !== 'pod') return undefined;
  const tunnel = tunnelOf(header);
  if (tunnel && !(from?.kind === 'pod' && to?.kind === 'pod' && from.node !== null && to.node !== null)) {
    return plaintext(header, sight, 'a pod in a tunnel', tunnel);
  }
  if (from?.kind === 'pod' && to?.kind === 'pod') return betweenPods(header, sight, from.node, to.node);
  if (from?.kind === 'pod') return fromPod(header, sight, from.node);
  return toPod(header, sight, to?.node ?? null);
}

/** Returns the account of an encapsulation between two nodes that carries nothing but pods' packets, whatever is in it. */
export function overlayOf(header: Header, sight: Sight): Account | undefined {
  const { from, to, protocol, destinationPort } = header;
  if (from?.kind !== 'node' || to?.kind !== 'node' || from.node === null || from.node === to.node) return undefined;
  if (!sight.design.isOverlay(protocol, destinationPort)) return undefined;
  return plaintext(header, sight, "an encapsulation of pods' packets", [from.node, to.node]);
}

function betweenPods(header: Header, sight: Sight, from: string | null, to: string | null): Account {
  // Packets between pods of one node do not belong on the wire, and pool addresses without a known owner may be any pod's.
  const route: [string, string | null] = from !== null && to !== null && from !== to ? [from, to] : [sight.tap, null];
  return plaintext(header, sight, 'pod to pod', route);
}

function fromPod(header: Header, sight: Sight, pod: string | null): Account {
  const { to, protocol, destinationPort, sourcePort } = header;
  const { design, tap, nextHop } = sight;
  if (to?.kind === 'service')
    return plaintext(header, sight, 'pod to a service address', [pod ?? tap, nextHop ?? null]);
  if (to?.kind === 'node') {
    const route: [string, string | null] = [pod ?? tap, to.node];
    if (pod === to.node) return unexplained(header, sight, 'a pod and its own node, on the wire', [tap, null]);
    if (design.podToNode === 'leak') return plaintext(header, sight, 'pod to node', route);
    const nodePort = design.isNodePort(protocol, destinationPort);
    if (nodePort === 'yes') return plaintext(header, sight, 'pod to a NodePort', route);
    if (nodePort === 'maybe') return unexplained(header, sight, 'pod to a port that may be a NodePort', route);
    const conversation = `${header.destination} ${destinationPort} ${header.source} ${sourcePort} ${protocol}`;
    return {
      ...account('by design', header, sight, 'pod to node', route),
      pending: { kind: 'pod to node', conversation },
    };
  }
  return withOutside(header, sight, 'pod to the outside', header.destination, [pod ?? tap, nextHop ?? null]);
}

function toPod(header: Header, sight: Sight, pod: string | null): Account {
  const { from, protocol, sourcePort } = header;
  const { design, tap } = sight;
  if (from?.kind === 'service') return plaintext(header, sight, 'a service address to a pod', [tap, pod]);
  if (from?.kind === 'node') {
    if (pod === from.node) return unexplained(header, sight, 'a pod and its own node, on the wire', [tap, null]);
    const route: [string, string | null] = [from.node ?? tap, pod];
    if (design.nodeToPod === 'leak') return plaintext(header, sight, 'node to pod', route);
    const nodePort = design.isNodePort(protocol, sourcePort);
    if (nodePort === 'yes') return plaintext(header, sight, 'a NodePort to a pod', route);
    if (nodePort === 'maybe') return unexplained(header, sight, 'a port that may be a NodePort to a pod', route);
    return account('by design', header, sight, 'node to pod', route);
  }
  return withOutside(header, sight, 'the outside to a pod', header.source, [tap, pod ?? sight.nextHop ?? null]);
}

/** Accounts for a pod's packet to or from an address outside the cluster. Between two nodes it is like any other packet of a pod. */
function withOutside(
  header: Header,
  sight: Sight,
  what: string,
  outside: string,
  [from, to]: [string, string | null],
): Account {
  const { tap, nextHop, design } = sight;
  if (header.found === 'direct' && nextHop !== undefined && nextHop !== tap) {
    return plaintext(header, sight, `${what}, by way of another node`, [tap, nextHop]);
  }
  if (!design.knowsServices && isPrivate(outside) && !isOnLink(outside)) {
    return unexplained(header, sight, `${what}: a private address that may be a service's`, [from, to]);
  }
  return account('by design', header, sight, what, [from, null]);
}

/** Returns the nodes that a packet is tunnelled between. */
function tunnelOf({ outer }: Header): Route | undefined {
  for (let around = outer; around; around = around.outer) {
    const [from, to] = [around.from, around.to];
    if (
      from?.kind === 'node' &&
      to?.kind === 'node' &&
      from.node !== null &&
      to.node !== null &&
      from.node !== to.node
    ) {
      return [from.node, to.node];
    }
  }
  return undefined;
}

/** Returns the key of a node's conversation with a pod, with the ends as the pod's packets have them. */
export function conversationOf({ source, sourcePort, destination, destinationPort, protocol }: Header): string {
  return `${source} ${sourcePort} ${destination} ${destinationPort} ${protocol}`;
}

function plaintext(header: Header, sight: Sight, what: string, route: readonly [string, string | null]): Account {
  return account('pod plaintext', header, sight, what, route);
}

function unexplained(header: Header, sight: Sight, what: string, route: readonly [string, string | null]): Account {
  return account('unexplained', header, sight, what, route);
}

/** Makes an account. Packets of nodes that were left out on purpose are by design, since no claim is about them. */
function account(
  kind: LedgerClass,
  header: Header,
  { claimed }: Sight,
  what: string,
  [from, to]: readonly [string, string | null],
): Account {
  const { protocol, sourcePort, destinationPort } = header;
  const port = lowerPort(sourcePort, destinationPort);
  const common = { from, to, protocol, port };
  if (claimed.has(from) && (to === null || claimed.has(to))) return { class: kind, what, ...common };
  return { class: 'by design', what: NOT_CHOSEN, ...common };
}

/** The words for packets of nodes that no claim is about. */
export const NOT_CHOSEN = 'pods of nodes that were not chosen';

/** Returns the port that names the service of a packet: a client's is mostly the higher one. */
export function lowerPort(source: number | null, destination: number | null): number | null {
  return source === null || destination === null ? null : Math.min(source, destination);
}
