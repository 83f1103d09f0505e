import { claimsByNode } from './claims.ts';
import { familiesOf } from './mtu.ts';
import type { ClusterView, FamilyView, NodeState, RouteState } from './types.ts';
import { localBlockRoutes, plainRoutes, vxlanState } from './vxlan.ts';
import { wireguardState } from './wireguard.ts';
import { interfaceSysctls, workloadLinks, workloadRoutes } from './workloads.ts';

/**
 * Returns the state that Calico 3.32's Felix would bring a node to: a pure function of the datastore. A node that the view does
 * not have should have nothing. Its firewall is a function of its own (`firewallState`): nothing in a lab waits for it.
 */
export function desiredState(view: ClusterView, nodeName: string): NodeState {
  const node = view.nodes.find((node) => node.name === nodeName);
  if (!node) return emptyState();
  const parts = familiesOf(view).map((family) => familyState(family, nodeName));
  const links = parts.flatMap((part) => part.links);
  return {
    links: [...links, ...workloadLinks(view, node)],
    addresses: parts.flatMap((part) => part.addresses),
    routes: parts.flatMap((part) => part.routes),
    rules: parts.flatMap((part) => part.rules),
    neighbours: parts.flatMap((part) => part.neighbours),
    fdb: parts.flatMap((part) => part.fdb),
    wireguard: parts.flatMap((part) => part.wireguard),
    sysctls: interfaceSysctls(
      node,
      links.map((link) => link.name),
    ),
  };
}

function familyState(view: FamilyView, nodeName: string): Omit<NodeState, 'sysctls'> {
  const node = view.nodes.find((node) => node.name === nodeName);
  if (!node) return emptyState();
  const claims = claimsByNode(view, nodeName);
  const vxlan = vxlanState(view, node, claims);
  const wireguard = wireguardState(view, node, claims);
  return {
    links: [...vxlan.links, ...wireguard.links],
    addresses: [...vxlan.addresses, ...wireguard.addresses],
    // In the order of Felix' classes (felix/routetable/defs.go). One network has one route in a table, also where two pods
    // claim one address for a moment: the kernel would only keep one, and the plan would never come to an end.
    routes: firstOfEach([
      ...workloadRoutes(node, view.family),
      ...wireguard.routes,
      ...vxlan.routes,
      ...plainRoutes(view, node, claims),
      ...localBlockRoutes(claims.get(nodeName) ?? [], view.family),
    ]),
    rules: wireguard.rules,
    neighbours: vxlan.neighbours,
    fdb: vxlan.fdb,
    wireguard: wireguard.wireguard,
  };
}

/** The state of a node that was just made: Felix has done nothing. */
export function emptyState(): NodeState {
  return { links: [], addresses: [], routes: [], rules: [], neighbours: [], fdb: [], wireguard: [], sysctls: {} };
}

function firstOfEach(routes: RouteState[]): RouteState[] {
  const seen = new Map<string, RouteState>();
  for (const route of routes) {
    const key = `${route.table} ${route.destination}`;
    if (!seen.has(key)) seen.set(key, route);
  }
  return [...seen.values()];
}
