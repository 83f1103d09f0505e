import { VXLAN_DEVICES, WIREGUARD_TABLE } from './constants.ts';
import { ruleLine } from './lines.ts';
import type { LinkState, NodeState, RouteState, WireguardPeer, WireguardState } from './types.ts';

/** One thing that Felix did, as its log reports it. */
export interface FelixEvent {
  level: 'INFO' | 'WARNING' | 'ERROR';
  /**
   * The file and line where Calico's own Felix does the same (calico.md; the project's sources of August 2026), so that a reader of
   * the log finds the place.
   */
  source: string;
  message: string;
  fields: Record<string, string | number>;
}

/**
 * Returns the log lines for a change from one state to another: devices, addresses, peers, table 1 and the rule, the pods' interfaces.
 * In the order in which it is done.
 */
export function felixEvents(before: NodeState, after: NodeState): FelixEvent[] {
  return [
    ...difference(before.rules, after.rules, ruleLine).gone.map((rule) =>
      info('wireguard.go 1637', 'Removed routing rule', { rule: ruleLine(rule) }),
    ),
    ...linkEvents(before, after),
    ...addressEvents(before, after),
    ...after.wireguard.flatMap((device) =>
      deviceEvents(
        before.wireguard.find(({ name }) => name === device.name),
        device,
      ),
    ),
    ...tableEvents(before, after),
    ...difference(before.rules, after.rules, ruleLine).added.map((rule) =>
      info('wireguard.go 1627', 'Added routing rule for WireGuard', { rule: ruleLine(rule) }),
    ),
  ];
}

export function info(source: string, message: string, fields: FelixEvent['fields'] = {}): FelixEvent {
  return { level: 'INFO', source, message, fields };
}

/** The source file in which Felix handles devices of a kind, and its name for them. */
const KINDS: Partial<Record<LinkState['type'], { source: string; name: string }>> = {
  vxlan: { source: 'vxlan_mgr.go 308', name: 'VXLAN device' },
  wireguard: { source: 'wireguard.go 1417', name: 'WireGuard device' },
  veth: { source: 'endpoint_mgr.go 1615', name: 'workload interface' },
};

function linkEvents(before: NodeState, after: NodeState): FelixEvent[] {
  const { added, gone } = difference(before.links, after.links, ({ name, type }) => `${type} ${name}`);
  const event = (did: (kind: LinkState['type']) => string, { name, type, mtu }: LinkState, isNew: boolean) => {
    const kind = KINDS[type];
    if (!kind) return [];
    return [info(kind.source, `${did(type)} ${kind.name}`, { ifaceName: name, ...(isNew ? { mtu } : {}) })];
  };
  const changed = after.links.flatMap((link) => {
    const there = before.links.find(({ name, type }) => name === link.name && type === link.type);
    const kind = KINDS[link.type];
    // The MTU of a pod's interface is what it was when the pod came: Felix leaves it.
    if (!there || !kind || link.type === 'veth') return [];
    return [
      ...(there.mtu !== link.mtu ? [info(kind.source, `Set MTU of ${kind.name}`, fieldsOf(link))] : []),
      ...(there.up ? [] : [info(kind.source, `Set ${kind.name} up`, fieldsOf(link))]),
    ];
  });
  return [
    ...gone.flatMap((link) => event(() => 'Removed', link, false)),
    // The pods' interfaces are the CNI plugin's to make; Felix routes to them.
    ...added.flatMap((link) => event((type) => (type === 'veth' ? 'Configured' : 'Created'), link, true)),
    ...changed,
  ];
}

function fieldsOf({ name, mtu }: LinkState) {
  return { ifaceName: name, mtu };
}

function addressEvents(before: NodeState, after: NodeState): FelixEvent[] {
  const { added } = difference(before.addresses, after.addresses, ({ device, address }) => `${device} ${address}`);
  return added.map(({ device, address, prefixLength }) =>
    info(
      isVxlan(device) ? 'route_mgr.go 696' : 'wireguard.go 1557',
      `Assigned address to ${isVxlan(device) ? 'VXLAN' : 'WireGuard'} device`,
      { ifaceName: device, address: `${address}/${prefixLength}` },
    ),
  );
}

function deviceEvents(before: WireguardState | undefined, { name, listenPort, mark, peers }: WireguardState) {
  const events: FelixEvent[] = [];
  if (before?.listenPort !== listenPort || before.mark !== mark) {
    const fields = { ifaceName: name, listeningPort: listenPort, fwMark: `0x${mark.toString(16)}` };
    events.push(info('wireguard.go 1280', 'Configured WireGuard device', fields));
  }
  const known = new Map((before?.peers ?? []).map((peer) => [peer.publicKey, peer]));
  for (const peer of peers) {
    const there = known.get(peer.publicKey);
    if (!there) events.push(info('wireguard.go 1268', 'Added WireGuard peer', peerFields(peer)));
    else if (JSON.stringify(peerFields(there)) !== JSON.stringify(peerFields(peer))) {
      events.push(info('wireguard.go 1268', 'Updated WireGuard peer', peerFields(peer)));
    }
    known.delete(peer.publicKey);
  }
  for (const publicKey of known.keys()) {
    events.push(info('wireguard.go 1268', 'Removed WireGuard peer', { publicKey }));
  }
  return events;
}

function peerFields({ publicKey, endpoint, allowedIPs }: WireguardPeer) {
  return { publicKey, endpoint: endpoint ?? 'none', allowedIPs: [...allowedIPs].sort().join(',') };
}

/** Routes of WireGuard's table; those of main are many and of no interest here. */
function tableEvents(before: NodeState, after: NodeState): FelixEvent[] {
  const own = ({ routes }: NodeState) => routes.filter(({ table }) => table === WIREGUARD_TABLE);
  const { added, gone } = difference(own(before), own(after), routeText);
  return [
    ...gone.map((route) => info('wireguard.go 1087', 'Removed route from WireGuard table', routeFields(route))),
    ...added.map((route) => info('wireguard.go 1087', 'Added route to WireGuard table', routeFields(route))),
  ];
}

function routeFields(route: RouteState) {
  return { table: route.table, route: routeText(route) };
}

function routeText({ type, destination, device }: RouteState): string {
  return type === 'unicast' ? `${destination} dev ${device}` : `${type} ${destination}`;
}

function difference<T>(before: readonly T[], after: readonly T[], text: (value: T) => string) {
  const [old, fresh] = [new Set(before.map(text)), new Set(after.map(text))];
  return {
    added: after.filter((value) => !old.has(text(value))),
    gone: before.filter((value) => !fresh.has(text(value))),
  };
}

function isVxlan(device: string): boolean {
  return Object.values<string>(VXLAN_DEVICES).includes(device);
}
