import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';

const CONTAINER = 'calico-node';
const LABEL = 'k8s-app=calico-node';
/** Felix writes some 30 lines when it starts, and a few every 10 s. */
const LINES = 2000;

/** Returns the calico-node pods of a cluster by the names of their nodes. */
export async function calicoAgents(cluster: Cluster): Promise<Map<string, Pod>> {
  const pods = await cluster.pods(LABEL);
  return new Map(pods.flatMap((pod) => (pod.spec?.nodeName ? [[pod.spec.nodeName, pod] as const] : [])));
}

/** Returns whether Felix has found out, since it last read its configuration, that the kernel has no WireGuard. */
export async function lacksWireguard(cluster: Cluster, agent: Pod): Promise<boolean> {
  return saysUnsupported(await cluster.log(agent, CONTAINER, { lines: LINES }));
}

/** Reads Felix's log (felix, daemon.go and wireguard.go): it says so each time that it starts with WireGuard on, and goes on without. */
export function saysUnsupported(log: string): boolean {
  const started = log.lastIndexOf('Successfully loaded configuration');
  return /Wireguard is not supported/i.test(log.slice(Math.max(0, started)));
}

/** The command that makes Kubernetes start calico-node on a node again. */
export function restartCommand(node: string): string {
  return `kubectl delete pod -n calico-system -l ${LABEL} --field-selector spec.nodeName=${node}`;
}
