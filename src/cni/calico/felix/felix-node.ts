import type { Family } from '../../../net/families.ts';
import { runTool } from '../../../process/tool.ts';
import type { NodeNamespace } from '../../node.ts';
import { planChanges } from '../dataplane/changes.ts';
import { desiredState, emptyState } from '../dataplane/felix.ts';
import { felixEvents } from '../dataplane/felix-events.ts';
import { firewallState } from '../dataplane/firewall.ts';
import { familiesOf } from '../dataplane/mtu.ts';
import { READ_COMMANDS, type ReadCommand, readState } from '../dataplane/read-state.ts';
import type { ChangeStep, ClusterView, NodeState } from '../dataplane/types.ts';
import { applyChanges } from './apply-changes.ts';
import { FelixLog } from './felix-log.ts';
import type { AttachedPod, Keys } from './felix-view.ts';
import { type FirewallTeller, NodeFirewall } from './firewall.ts';
import { giveNewKey, type Means } from './wireguard-device.ts';

/** A node, as the Felix on it knows it. */
export interface FelixNode {
  namespaces: NodeNamespace;
  firewall: NodeFirewall;
  log: FelixLog;
  /** The kernel's state, as far as Felix knows; undefined if it must read it. */
  actual: NodeState | undefined;
  /** The state that the log has reported. */
  told: NodeState;
  toldKeys: Keys;
  /** The attached pods by their uid: their interfaces are there. */
  pods: Map<string, AttachedPod>;
  /** The public keys of the WireGuard devices that exist. */
  keys: Keys;
  dirty: boolean;
  /** True if it ever had a pod. */
  begun: boolean;
  /** True if anything was ever done on it. */
  touched: boolean;
  /** How often in a row it went wrong. */
  failures: number;
}

/** The steps for one node: up to its peers, and after. */
export interface Plan {
  name: string;
  node: FelixNode;
  desired: NodeState;
  /** The WireGuard devices that there should be. */
  devices: { family: Family; name: string }[];
  /** Resolves when the firewall is made too, or is left for later. */
  firewall: Promise<void>;
  first: ChangeStep[];
  last: ChangeStep[];
}

/** A node that is as it was made. */
export function freshNode(namespaces: NodeNamespace, teller: FirewallTeller): FelixNode {
  return {
    namespaces,
    firewall: new NodeFirewall(namespaces, teller),
    log: new FelixLog(),
    actual: emptyState(),
    told: emptyState(),
    toldKeys: {},
    pods: new Map(),
    keys: {},
    dirty: true,
    begun: false,
    touched: false,
    failures: 0,
  };
}

/** Plans the steps for a node. Reads the kernel's state first if it is not known. `dual`: the node has IPv6 too. */
export async function planNode(name: string, node: FelixNode, view: ClusterView, dual: boolean): Promise<Plan> {
  const desired = desiredState(view, name);
  const names = familiesOf(view).map(({ family = 4, felix }) => ({ family, name: felix.wireguardInterfaceName }));
  const known = node.actual ?? (await readNode(node, names, dual));
  const devices = names.filter(({ name }) => desired.wireguard.some((device) => device.name === name));
  if (!node.actual) {
    node.told = known;
    node.keys = {};
    for (const { family, name } of devices) {
      const key = known.wireguard.find((device) => device.name === name)?.publicKey;
      if (key !== undefined) node.keys[family] = key;
    }
  }
  const workloads = desired.links.filter(({ type }) => type === 'veth');
  const actual = { ...known, links: [...known.links.filter(({ type }) => type !== 'veth'), ...workloads] };
  const { steps } = planChanges(actual, desired);
  const peersSet = steps.findLastIndex(({ kind }) => kind === 'wgSet') + 1;
  // Callers that wait for encryption wait for this as well; nobody else does.
  const firewall = node.firewall.set({
    state: () => firewallState(view, name),
    mayWait: devices.length === 0,
    changed: () => node.log.firewall(),
  });
  return { name, node, desired, devices, firewall, first: steps.slice(0, peersSet), last: steps.slice(peersSet) };
}

/** Does some of a plan's steps; with its last ones the node is as it should be. */
export async function runPlan(plan: Plan, steps: ChangeStep[], means: Means): Promise<Plan> {
  const { node, devices, desired } = plan;
  if (steps.length > 0) node.touched = true;
  await applyChanges(node.namespaces, { steps }, means);
  if (steps !== plan.last) return plan;
  if (plan.first.length + plan.last.length > 0) node.log.did(felixEvents(node.told, desired));
  node.actual = desired;
  node.told = desired;
  node.failures = 0;
  node.keys = await keysOf(node, devices);
  return plan;
}

async function readNode(node: FelixNode, devices: readonly { name: string }[], dual: boolean): Promise<NodeState> {
  const run = (command: ReadCommand) =>
    runTool(node.namespaces.enter([command.command, ...command.arguments]), command.input);
  const [rules6, ip, bridge, wg, sysctl] = await Promise.all([
    dual ? run(READ_COMMANDS.rules6) : '',
    run(READ_COMMANDS.ip),
    run(READ_COMMANDS.bridge),
    run(READ_COMMANDS.wg),
    run(READ_COMMANDS.sysctl),
  ]);
  return readState(
    { rules6, ip, bridge, wg, sysctl },
    devices.map(({ name }) => name),
  );
}

/** The keys of a node's devices; one that has none yet is given one. */
async function keysOf({ namespaces, keys, log }: FelixNode, devices: Plan['devices']): Promise<Keys> {
  const all = devices.map(async ({ family, name }) => {
    const present = keys[family];
    if (present !== undefined) return [family, present];
    const key = await giveNewKey(namespaces, name);
    log.newKey(name, key);
    return [family, key];
  });
  return Object.fromEntries(await Promise.all(all));
}

/** Returns the node's state without a pod's interface and its routes. */
export function withoutWorkload(state: NodeState, device: string): NodeState {
  return {
    ...state,
    links: state.links.filter((link) => link.name !== device),
    routes: state.routes.filter((route) => route.device !== device),
    sysctls: Object.fromEntries(Object.entries(state.sysctls).filter(([path]) => !path.split('/').includes(device))),
  };
}
