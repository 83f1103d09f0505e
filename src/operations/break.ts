import { randomInt } from 'node:crypto';
import { wireguardDevice } from '../cni/calico/keys.ts';
import { labFailure, usageFailure } from '../errors.ts';
import { Cluster } from '../kube/cluster.ts';
import { didYouMean } from '../lab/suggest.ts';
import { type Encryption, encryption, setEncryption } from './encrypt.ts';
import type { FaultSite } from './faults/fault.ts';
import { FAULTS } from './faults/faults.ts';
import { type PutFault, rememberedFaults, rememberFaults } from './faults/memory.ts';
import { FAULT_NAMES, type FaultName } from './faults/names.ts';
import type { StandingLab } from './labs.ts';
import { untilTunnelsCarry } from './tunnels-carry.ts';

/** A fault as it may be described before it is made. */
export function listFaults(): { fault: FaultName; symptom: string }[] {
  return FAULT_NAMES.map((fault) => ({ fault, symptom: FAULTS[fault].symptom }));
}

/**
 * Puts a fault into a lab whose encryption is in force, after recording how to remove it. An earlier fault, fixed by hand or not, is
 * undone first. If no fault is named, it draws one at random, and a node too. Throws a usage failure for a lab that is not wglab's own,
 * or if encryption is not in force.
 */
export async function breakLab(
  lab: StandingLab,
  wanted: { fault?: FaultName; node?: string },
  signal: AbortSignal,
): Promise<PutFault> {
  if (!lab.engine.ownsCluster) {
    throw usageFailure(
      `the lab "${lab.state.name}" is a cluster that was there before, and wglab breaks nothing there`,
    );
  }
  const cluster = Cluster.connect(lab.access.kubeconfig);
  const known = await rememberedFaults(lab.paths.folder);
  const name = wanted.fault ?? drawn(FAULT_NAMES);
  const names = lab.state.nodes;
  const node = wanted.node ?? (wanted.fault === undefined ? drawn(names) : (names.at(-1) ?? ''));
  if (!names.includes(node)) {
    throw usageFailure(`there is no node "${node}"${didYouMean(node, names)}`, {
      remedy: `Nodes: ${names.join(', ')}.`,
    });
  }
  const again = known.find((put) => put.fault === name && put.node === node);
  if (again) await healOne(lab, cluster, again, signal);
  const before = known.filter((put) => put !== again);
  const state = await encryption(cluster, lab.access.shell);
  refuseUnencrypted(state, before.length > 0);
  const others = names.filter((other) => other !== node);
  const other = (wanted.fault === undefined ? drawn(others) : others.at(-1)) ?? '';
  const site = siteOf(lab, cluster, state, { node, other });
  const device = await wireguardDevice(site.shell, node, site.interface);
  if (!device) throw labFailure(`${node} has no WireGuard device`, { remedy: 'wglab break --undo' });
  const put: PutFault = { fault: name, node, other, memory: await FAULTS[name].prepare(site, device) };
  signal.throwIfAborted();
  // Remembered before it is made: however wglab ends in between, it can be undone.
  await rememberFaults(lab.paths.folder, [...before, put]);
  await FAULTS[name].put(site, put.memory);
  return put;
}

/** Removes all faults, the last one first, and resolves when encrypted packets flow; returns the faults that were in the lab. */
export async function healLab(
  lab: StandingLab,
  update: (text: string) => void,
  signal: AbortSignal,
): Promise<PutFault[]> {
  const { folder } = lab.paths;
  const faults = await rememberedFaults(folder);
  if (faults.length === 0) return [];
  const cluster = Cluster.connect(lab.access.kubeconfig);
  const left = [...faults];
  for (let put = left.at(-1); put; put = left.at(-1)) {
    await FAULTS[put.fault].heal(siteOf(lab, cluster, await encryption(cluster, lab.access.shell), put), put.memory);
    left.pop();
    await rememberFaults(folder, left);
  }
  const { enabled } = await encryption(cluster, lab.access.shell);
  // A user who has turned encryption off meanwhile wants it off.
  if (enabled) {
    const { nodes, interface: device } = await setEncryption(cluster, lab.access.shell, true, { update, signal });
    update('waiting for the tunnels to carry packets');
    await untilTunnelsCarry(lab.access.shell, nodes, device, signal);
  }
  return faults;
}

/** As it was before this fault, as far as no other is in the lab. */
async function healOne(lab: StandingLab, cluster: Cluster, put: PutFault, signal: AbortSignal): Promise<void> {
  const state = await encryption(cluster, lab.access.shell);
  await FAULTS[put.fault].heal(siteOf(lab, cluster, state, put), put.memory);
  if (state.enabled) await setEncryption(cluster, lab.access.shell, true, { update: () => undefined, signal });
}

function siteOf(
  lab: StandingLab,
  cluster: Cluster,
  { nodes, interface: device, port }: Encryption,
  { node, other }: { node: string; other: string },
): FaultSite {
  const named = (name: string) => {
    const found = nodes.find((one) => one.name === name);
    if (!found)
      throw labFailure(`the cluster has no node ${name} any more`, { remedy: 'wglab destroy, and deploy again' });
    return found;
  };
  return { cluster, shell: lab.access.shell, node: named(node), other: named(other), interface: device, port };
}

function refuseUnencrypted({ enabled, waitingFor }: Encryption, isBroken: boolean): void {
  if (enabled && (waitingFor.length === 0 || isBroken)) return;
  throw usageFailure(enabled ? `encryption is not in force yet: ${waitingFor[0]}` : 'encryption is off', {
    remedy: 'wglab encrypt on: only what works can be broken',
  });
}

function drawn<T>(from: readonly T[]): T {
  const one = from[randomInt(Math.max(1, from.length))];
  if (one === undefined) throw labFailure('the lab has no nodes');
  return one;
}
