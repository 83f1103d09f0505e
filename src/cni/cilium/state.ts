import { messageOf } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { DaemonSet, KubeObject, Pod } from '../../kube/objects.ts';
import { isForbidden } from '../../kube/transient.ts';
import { agentPods, askAgent } from './agent-status.ts';
import { CILIUM_API, type CiliumNode, type CiliumNodeObject, readCiliumNode } from './cilium-node.ts';
import { type CiliumStatusNode, missing } from './convergence.ts';
import type { Encryption } from './dataplane/types.ts';
import { AGENT, CONFIG_MAP, NAMESPACE } from './names.ts';

/** Encryption in a cluster with Cilium. */
export interface CiliumState {
  /** The encryption that cilium-config asks for. */
  readonly encryption: Encryption;
  readonly nodes: readonly CiliumStatusNode[];
  /** The differences from what cilium-config asks; empty once all nodes have converged. */
  readonly waitingFor: readonly string[];
}

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const DAEMON_SET = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: AGENT, namespace: NAMESPACE } };
const CONFIG = { apiVersion: 'v1', kind: 'ConfigMap', metadata: CONFIG_MAP };

/** Returns whether Cilium runs in a cluster: it serves CiliumNodes, and has the DaemonSet of the agents. */
export async function hasCilium(cluster: Cluster): Promise<boolean> {
  if (!(await cluster.serves(CILIUM_API, 'CiliumNode'))) return false;
  return (await agentDaemonSet(cluster)) !== undefined;
}

/** The DaemonSet of the agents. */
export function agentDaemonSet(cluster: Cluster): Promise<DaemonSet | undefined> {
  return cluster.get<DaemonSet>(DAEMON_SET);
}

/** The settings of all agents; empty if there are none, or nobody may read them. */
export async function ciliumConfig(cluster: Cluster): Promise<Record<string, string>> {
  try {
    return (await cluster.get<ConfigMap>(CONFIG))?.data ?? {};
  } catch (error) {
    if (isForbidden(error)) return {};
    throw error;
  }
}

/** Which encryption settings ask for. Both at once is neither: no agent starts with it. */
export function wantedEncryption(config: Readonly<Record<string, string>>): Encryption {
  if (config['enable-wireguard'] === 'true') return 'wireguard';
  return config['enable-ipsec'] === 'true' ? 'ipsec' : 'none';
}

/** All CiliumNodes, by their names. */
export async function ciliumNodes(cluster: Cluster): Promise<CiliumNode[]> {
  const { items } = await cluster.list<CiliumNodeObject>(CILIUM_API, 'CiliumNode');
  return items.map(readCiliumNode).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads how every node encrypts, and what is missing for it to be as asked. `keyId`: the one that IPsec must have. */
export async function ciliumState(cluster: Cluster, keyId?: number): Promise<CiliumState> {
  const [config, published, pods, daemonSet] = await Promise.all([
    ciliumConfig(cluster),
    ciliumNodes(cluster),
    agentPods(cluster),
    agentDaemonSet(cluster),
  ]);
  const encryption = wantedEncryption(config);
  const nodes = await Promise.all(
    published.map(async (node) => ({ ...node, ...(await agentOf(cluster, pods.get(node.name), encryption)) })),
  );
  return { encryption, nodes, waitingFor: missing({ encryption, keyId }, nodes, rolloutOf(daemonSet)) };
}

async function agentOf(
  cluster: Cluster,
  pod: Pod | undefined,
  encryption: Encryption,
): Promise<Pick<CiliumStatusNode, 'agent' | 'problem'>> {
  if (!pod) return { problem: 'there is no agent on the node' };
  const waiting = pod.status?.containerStatuses?.find(({ state }) => state?.waiting)?.state?.waiting;
  if (waiting) return { problem: [waiting.reason, waiting.message].filter(Boolean).join(': ') };
  try {
    return { agent: await askAgent(cluster, pod, { peers: encryption === 'wireguard' }) };
  } catch (error) {
    return { problem: messageOf(error).split('\n')[0] ?? '' };
  }
}

/** Returns what of a rollout of the agents is not done yet, in words. */
export function rolloutOf(daemonSet: DaemonSet | undefined): string | undefined {
  const { metadata, status } = daemonSet ?? {};
  const wanted = status?.desiredNumberScheduled ?? 0;
  if (!status || wanted === 0) return 'the agents to be scheduled';
  if (status.observedGeneration !== metadata?.generation) return 'the rollout of the agents to begin';
  const updated = status.updatedNumberScheduled ?? 0;
  if (updated < wanted) return `the agents to start again (${updated} of ${wanted})`;
  const ready = status.numberReady ?? 0;
  return ready < wanted ? `the agents to be ready (${ready} of ${wanted})` : undefined;
}
