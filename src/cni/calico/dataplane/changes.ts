import { WIREGUARD_TABLE } from './constants.ts';
import {
  addressLine,
  fdbLine,
  neighbourLine,
  removeRouteLine,
  removeRuleLine,
  replaceRouteLine,
  ruleLine,
  vxlanLine,
} from './lines.ts';
import type { BatchTool, ChangeStep, LinkState, NodeChanges, NodeState, RouteState, RuleState } from './types.ts';
import { wireguardArguments } from './wireguard-changes.ts';

/**
 * Returns the steps from what a node has to what it should have; no steps if nothing differs. In Felix'
 * order: what goes away; links; addresses and routes; WireGuard's peers; last table 1 and the rule that leads to it, so
 * that a half-made node diverts nothing. Where WireGuard goes off, the rule goes first.
 *
 * The runtime gives both ends of a pod's veth pair; a pod's route and settings wait until the veth is in `actual`. What a
 * line names may go while the steps run (a pod ended): run the batches with `-force`, and read and plan again on failure.
 */
export function planChanges(actual: NodeState, desired: NodeState): NodeChanges {
  const steps = new Steps();
  const left = removals(steps, actual, desired);
  const ready = withoutMissingWorkloads(left, desired);
  links(steps, left, ready);
  const after = addresses(steps, left, ready);
  routes(steps, after, ready, (route) => route.table !== WIREGUARD_TABLE);
  layerTwo(steps, after, ready);
  sysctls(steps, after, ready);
  wireguard(steps, after, ready);
  routes(steps, after, ready, (route) => route.table === WIREGUARD_TABLE);
  rules(steps, after, ready);
  return { steps: steps.all };
}

/** Collects steps; lines for a tool that just ran join its batch, because each batch is a process. */
class Steps {
  readonly all: ChangeStep[] = [];

  batch(tool: BatchTool, lines: string[]): void {
    if (lines.length === 0) return;
    const last = this.all.at(-1);
    if (last?.kind === 'batch' && last.tool === tool) last.lines.push(...lines);
    else this.all.push({ kind: 'batch', tool, lines: [...lines] });
  }

  add(step: ChangeStep): void {
    this.all.push(step);
  }
}

/** Adds the steps that remove what should not exist, and returns what remains: a device's addresses, routes and entries go with it. */
function removals(steps: Steps, actual: NodeState, desired: NodeState): NodeState {
  const keepsFamily = (rule: RuleState) => desired.rules.some((wanted) => wanted.family === rule.family);
  for (const [family, tool] of RULE_TOOLS) {
    const gone = actual.rules.filter((rule) => rule.family === family && !keepsFamily(rule));
    steps.batch(tool, gone.map(removeRuleLine));
  }
  const wanted = new Set(desired.routes.map(routeKey));
  const stale = actual.routes.filter((route) => !wanted.has(routeKey(route)));
  steps.batch('ip', stale.map(removeRouteLine));
  let left: NodeState = {
    ...actual,
    rules: actual.rules.filter(keepsFamily),
    routes: actual.routes.filter((route) => wanted.has(routeKey(route))),
  };
  for (const link of actual.links.filter((link) => mustGo(link, desired.links))) {
    if (link.type === 'wireguard') steps.add({ kind: 'removeWireguard', name: link.name });
    else steps.batch('ip', [`link delete dev ${link.name}`]);
    left = withoutDevice(left, link.name);
  }
  return left;
}

/** A device that should not be, or that only a new one can turn into what it should be. The pods' are the CNI's to remove. */
function mustGo(link: LinkState, desired: readonly LinkState[]): boolean {
  if (link.type === 'veth') return false;
  const wanted = desired.find((wanted) => wanted.name === link.name);
  return !wanted || wanted.type !== link.type || (wanted.type === 'vxlan' && !sameVxlan(link, wanted));
}

/** Returns whether Felix keeps a VXLAN device (vxlan_mgr.go). It does not compare the MTU, which can be set. */
function sameVxlan(a: LinkState, b: LinkState): boolean {
  return (
    a.mac === b.mac &&
    a.vxlan?.vni === b.vxlan?.vni &&
    a.vxlan?.port === b.vxlan?.port &&
    a.vxlan?.local === b.vxlan?.local &&
    a.vxlan?.parent === b.vxlan?.parent
  );
}

function withoutDevice(state: NodeState, name: string): NodeState {
  const onOthers = (entry: { device?: string | undefined }) => entry.device !== name;
  return {
    links: state.links.filter((link) => link.name !== name),
    addresses: state.addresses.filter(onOthers),
    routes: state.routes.filter(onOthers),
    rules: state.rules,
    neighbours: state.neighbours.filter(onOthers),
    fdb: state.fdb.filter(onOthers),
    wireguard: state.wireguard.filter((device) => device.name !== name),
    sysctls: Object.fromEntries(Object.entries(state.sysctls).filter(([path]) => !path.split('/').includes(name))),
  };
}

function withoutMissingWorkloads(actual: NodeState, desired: NodeState): NodeState {
  const there = new Set(actual.links.map((link) => link.name));
  const missing = desired.links.filter((link) => link.type === 'veth' && !there.has(link.name));
  return missing.reduce((state, link) => withoutDevice(state, link.name), desired);
}

/** Makes the devices that are missing, sets their MTUs, and sets them up. */
function links(steps: Steps, actual: NodeState, desired: NodeState): void {
  for (const link of desired.links.filter((link) => link.type !== 'veth')) {
    const there = actual.links.find((there) => there.name === link.name);
    if (!there && link.type === 'wireguard') steps.add({ kind: 'createWireguard', name: link.name });
    if (!there && link.type === 'vxlan') steps.batch('ip', [vxlanLine(link)]);
    // A new VXLAN device gets its MTU in the line that makes it; a new WireGuard device is the runtime's and has some MTU.
    if (there ? there.mtu !== link.mtu : link.type === 'wireguard') {
      steps.batch('ip', [`link set dev ${link.name} mtu ${link.mtu}`]);
    }
    if (!there?.up) steps.batch('ip', [`link set dev ${link.name} up`]);
  }
}

/** Replaces one address by another without a moment in between: with its last address a device loses its routes. Returns what remains. */
function addresses(steps: Steps, actual: NodeState, desired: NodeState): NodeState {
  const missing = difference(desired.addresses, actual.addresses, addressLine);
  const stale = difference(actual.addresses, desired.addresses, addressLine);
  steps.batch(
    'ip',
    missing.map((address) => `address add ${addressLine(address)}`),
  );
  steps.batch(
    'ip',
    stale.map((address) => `address del ${addressLine(address)}`),
  );
  const bare = new Set(stale.map(({ device }) => device));
  for (const { device } of desired.addresses) bare.delete(device);
  return { ...actual, routes: actual.routes.filter(({ device }) => device === undefined || !bare.has(device)) };
}

function routes(steps: Steps, actual: NodeState, desired: NodeState, which: (route: RouteState) => boolean): void {
  const missing = difference(desired.routes.filter(which), actual.routes, replaceRouteLine);
  steps.batch('ip', missing.map(replaceRouteLine));
}

/** Adds the steps for the other nodes' tunnel addresses and MACs. */
function layerTwo(steps: Steps, actual: NodeState, desired: NodeState): void {
  const staleNeighbours = actual.neighbours.filter(
    ({ device, address }) =>
      !desired.neighbours.some((wanted) => wanted.device === device && wanted.address === address),
  );
  steps.batch('ip', [
    ...staleNeighbours.map(({ device, address }) => `neighbour del ${address} dev ${device}`),
    ...difference(desired.neighbours, actual.neighbours, neighbourLine).map(
      (entry) => `neighbour replace ${neighbourLine(entry)}`,
    ),
  ]);
  // Entries of one MAC differ by where it is, and `replace` does not take another destination's place on every kernel.
  steps.batch('bridge', [
    ...difference(actual.fdb, desired.fdb, fdbLine).map((entry) => `fdb del ${fdbLine(entry)} self`),
    ...difference(desired.fdb, actual.fdb, fdbLine).map((entry) => `fdb replace ${fdbLine(entry)} self permanent`),
  ]);
}

function sysctls(steps: Steps, actual: NodeState, desired: NodeState): void {
  const writes = Object.entries(desired.sysctls)
    .filter(([path, value]) => actual.sysctls[path] !== value)
    .map(([path, value]) => ({ path, value }));
  if (writes.length > 0) steps.add({ kind: 'sysctl', writes });
}

function wireguard(steps: Steps, actual: NodeState, desired: NodeState): void {
  for (const device of desired.wireguard) {
    const there = actual.wireguard.find((there) => there.name === device.name);
    const settings = wireguardArguments(there, device);
    if (settings.length > 0) steps.add({ kind: 'wgSet', arguments: [device.name, ...settings] });
  }
}

const RULE_TOOLS = [
  [undefined, 'ip'],
  [6, 'ip -6'],
] as const;

function rules(steps: Steps, actual: NodeState, desired: NodeState): void {
  for (const [family, tool] of RULE_TOOLS) {
    const ofFamily = ({ rules }: NodeState) => rules.filter((rule) => rule.family === family);
    steps.batch(tool, ruleLines(ofFamily(actual), ofFamily(desired)));
  }
}

/** Adds the new rule before it removes the old one: in between, nothing may leave in plaintext. */
function ruleLines(actual: readonly RuleState[], desired: readonly RuleState[]): string[] {
  const stale = difference(actual, desired, ruleLine);
  // `ip rule del` cannot tell a right rule from a wrong one of the same priority: both go, and the right one comes back.
  const sharing = actual.filter((rule) => stale.some((other) => other.priority === rule.priority));
  const blocking = sharing.filter((rule) => desired.some((wanted) => wanted.priority === rule.priority));
  const missing = desired.filter(
    (rule) =>
      blocking.some((other) => other.priority === rule.priority) || difference([rule], actual, ruleLine).length > 0,
  );
  return [
    ...blocking.map(removeRuleLine),
    ...missing.map((rule) => `rule add ${ruleLine(rule)}`),
    ...stale.filter((rule) => !blocking.includes(rule)).map(removeRuleLine),
  ];
}

/** Returns the key by which the kernel distinguishes routes of one table: `ip route replace` changes everything else. */
function routeKey(route: RouteState): string {
  return `${route.table} ${route.destination} ${route.metric}`;
}

/** Returns the values of `a` that are not in `b`; two values are the same if `text` returns the same for both. */
function difference<T>(a: readonly T[], b: readonly T[], text: (value: T) => string): T[] {
  const there = new Set(b.map(text));
  return a.filter((value) => !there.has(text(value)));
}
