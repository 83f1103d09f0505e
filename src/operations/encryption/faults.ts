import { calicoAgents, lacksWireguard, restartCommand } from '../../cni/calico/agent.ts';
import { labFailure, lackingFailure, messageOf } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import { isForbidden } from '../../kube/transient.ts';
import { isPublished } from './convergence.ts';
import { type Encryption, partsOf } from './state.ts';

/** Throws failure 4 if Felix on a node without a key says that its kernel has no WireGuard. */
export async function refuseUnsupported(cluster: Cluster, state: Encryption): Promise<void> {
  const keyless = partsOf(state).flatMap(({ enabled, nodes }) =>
    enabled ? nodes.filter((node) => !node.publicKey && !node.device) : [],
  );
  if (keyless.length === 0) return;
  const agents = await calicoAgents(cluster);
  const lacking: string[] = [];
  for (const name of new Set(keyless.map((node) => node.name))) {
    const agent = agents.get(name);
    if (agent && (await isUnsupported(cluster, agent))) lacking.push(name);
  }
  if (lacking.length === 0) return;
  const kernels = await cluster.nodes();
  const kernel = kernels.find(({ metadata }) => metadata?.name === lacking[0])?.status?.nodeInfo?.kernelVersion;
  throw lackingFailure(`the kernel of ${lacking.join(', ')} has no WireGuard${kernel ? ` (Linux ${kernel})` : ''}`, {
    detail: 'Felix says "Wireguard is not supported" and publishes no key. Calico has no WireGuard but the kernel\'s.',
    remedy: 'modprobe wireguard on the machine of the nodes (Linux 5.6 or later has it), or --engine embedded',
  });
}

/** A cluster may keep its pods' logs from the caller: then the wait goes on. */
async function isUnsupported(cluster: Cluster, agent: Parameters<typeof lacksWireguard>[1]): Promise<boolean> {
  return lacksWireguard(cluster, agent).catch((error) => {
    if (isForbidden(error)) return false;
    throw error;
  });
}

/** How long an address may take once a node has published its key. Calico assigns it within a second, or not at all. */
const ADDRESS_MS = 10_000;

/**
 * Watches for a fault of Calico 3.32: a node publishes its key and never gets an address for its tunnel, for its address allocation
 * missed the change. Starting that node's calico-node again helps.
 */
export class LostAddresses {
  readonly #since = new Map<string, number>();
  readonly #restarted = new Set<string>();
  readonly #cluster: Cluster;
  readonly #options: { heal: boolean; info: (text: string) => void };

  constructor(cluster: Cluster, options: { heal: boolean; info: (text: string) => void }) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Looks at what the nodes have published at a time, in ms, and restarts calico-node once if an address is overdue. */
  async look(state: Encryption, now: number): Promise<void> {
    for (const [i, { enabled, nodes }] of partsOf(state).entries()) {
      for (const node of nodes) {
        const key = `${node.name} ${i}`;
        if (!enabled || !node.publicKey || isPublished(node)) this.#since.delete(key);
        else if (!this.#since.has(key)) this.#since.set(key, now);
        const since = this.#since.get(key);
        if (since === undefined || now - since < ADDRESS_MS || this.#restarted.has(node.name)) continue;
        this.#restarted.add(node.name);
        await this.#restart(node.name, i === 0 ? 'IPv4' : 'IPv6');
      }
    }
  }

  async #restart(node: string, family: string): Promise<void> {
    const { heal, info } = this.#options;
    const fault = `${node} has published its key for ${ADDRESS_MS / 1000} s and Calico has given it no ${family} address for its tunnel, a known fault of Calico 3.32`;
    if (!heal) {
      throw labFailure(fault, { remedy: restartCommand(node) });
    }
    info(`${fault}: starting calico-node there again, which an option of wglab encrypt prevents`);
    const agent = (await calicoAgents(this.#cluster)).get(node);
    const { name, namespace } = agent?.metadata ?? {};
    if (!name || !namespace) throw labFailure(fault, { remedy: restartCommand(node) });
    await this.#cluster.remove({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } }).catch((error) => {
      throw labFailure(fault, { detail: messageOf(error), remedy: restartCommand(node), cause: error });
    });
  }
}
