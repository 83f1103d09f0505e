import { setTimeout as delay } from 'node:timers/promises';
import { type FelixSwitches, felixChanges, felixWireguard, isDualStack, patchFelix } from '../cni/calico/keys.ts';
import { ExitCode, Failure, labFailure, messageOf } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';
import { isAway } from '../kube/transient.ts';
import type { NodeShell } from '../process/node-shell.ts';
import { type EncryptionNode, missing } from './encryption/convergence.ts';
import { LostAddresses, refuseUnsupported } from './encryption/faults.ts';
import { provokeHandshakes } from './encryption/handshakes.ts';
import { type Encryption, encryption, type FamilyEncryption, NOBODY, partsOf } from './encryption/state.ts';

export type { EncryptionNode } from './encryption/convergence.ts';
export { type Encryption, encryption } from './encryption/state.ts';

/** Calico's own tests give a change 120 s on kind: Felix starts again meanwhile. */
const CONVERGED_MS = 120_000;
/** How often Felix' log is read for why there is no key. */
const FELIX_MS = 1000;

export interface Change {
  signal: AbortSignal;
  /** Hears what the change waits for. */
  update: (waitingFor: string) => void;
  /** Hears what should be read even if all goes well. */
  info?: (text: string) => void;
  /** True (the default) if a calico-node that is stuck is restarted. */
  heal?: boolean;
}

/**
 * Turns encryption on or off, for both families if the cluster has both, and resolves once every node has converged. Throws failure 5
 * naming what did not happen, and failure 4 if a kernel has no WireGuard: then the settings are as they were before.
 */
export async function setEncryption(
  cluster: Cluster,
  shell: NodeShell,
  enabled: boolean,
  change: Change,
): Promise<Encryption> {
  const { signal, update, info = () => undefined, heal = true } = change;
  const patient = cluster.during({ patienceMs: CONVERGED_MS, signal, update });
  const before = await felixWireguard(patient);
  const dualStack = isDualStack(await patient.nodes());
  const lost = new LostAddresses(patient, { heal, info });
  try {
    for (const spec of felixChanges(enabled, dualStack)) {
      await patchFelix(patient, spec);
      await untilConverged(cluster, shell, spec, { signal, update, lost });
    }
    return await encryption(patient, shell);
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode !== ExitCode.lacking || !enabled) throw error;
    const settings = { wireguardEnabled: before.enabled, wireguardEnabledV6: before.ipv6.enabled };
    await patchFelix(patient, dualStack ? settings : { wireguardEnabled: before.enabled });
    if (!before.enabled) info('turned WireGuard off again, as it was before');
    throw error;
  }
}

/** Waits until every node is as a change of FelixConfiguration asks. An API that is away for a moment counts as "not yet". */
async function untilConverged(
  cluster: Cluster,
  shell: NodeShell,
  { wireguardEnabled, wireguardEnabledV6 }: FelixSwitches,
  { signal, update, lost }: Pick<Change, 'signal' | 'update'> & { lost: LostAddresses },
): Promise<void> {
  const impatient = cluster.during({ patienceMs: 0 });
  const enabled = wireguardEnabled ?? wireguardEnabledV6 ?? false;
  const concerned = (state: Encryption): FamilyEncryption[] => [
    ...(wireguardEnabled === undefined ? [] : [state]),
    ...(wireguardEnabledV6 === undefined || !state.ipv6 ? [] : [state.ipv6]),
  ];
  const deadline = performance.now() + CONVERGED_MS;
  let askFelix = performance.now() + FELIX_MS;
  let pause = 20;
  let done = NOBODY;
  let last: string[] = [];
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    try {
      let now = await encryption(impatient, shell, done);
      const isConverged = () =>
        concerned(now).every((part) => part.enabled === enabled && part.waitingFor.length === 0);
      // The answer that counts is one of all nodes at the same time.
      if (isConverged() && done !== NOBODY) now = await encryption(impatient, shell);
      if (isConverged()) return;
      last = concerned(now).flatMap((part) =>
        part.enabled === enabled ? part.waitingFor : [`the API to show that WireGuard is ${enabled ? 'on' : 'off'}`],
      );
      done = { 4: converged(enabled, now), 6: now.ipv6 ? converged(enabled, now.ipv6) : new Map() };
      if (enabled) {
        if (performance.now() > askFelix) {
          await refuseUnsupported(impatient, now);
          askFelix = performance.now() + FELIX_MS;
        }
        await lost.look(now, performance.now());
        await Promise.all(partsOf(now).map(({ nodes }) => provokeHandshakes(shell, nodes)));
      }
    } catch (error) {
      if (!isAway(error)) throw error;
      last = [`the API to answer (${messageOf(error)})`];
    }
    const more = last.length > 1 ? ` and ${last.length - 1} more` : '';
    update(`waiting, at most ${CONVERGED_MS / 1000} s, for ${last[0]}${more}`);
    await delay(pause, undefined, { signal });
    pause = Math.min(pause * 2, 1000); // no node announces a change of its device: ask again, less and less often
  }
  throw labFailure(`encryption did not turn ${enabled ? 'on' : 'off'} everywhere within ${CONVERGED_MS / 1000} s`, {
    detail: last.join('\n'),
    remedy: 'wglab diagnose',
  });
}

/** Returns the nodes that are as asked. */
function converged(enabled: boolean, { nodes }: FamilyEncryption): Map<string, EncryptionNode> {
  const asAsked = nodes.filter((node) => missing(enabled, node, nodes).length === 0);
  return new Map(asAsked.map((node) => [node.name, node]));
}
