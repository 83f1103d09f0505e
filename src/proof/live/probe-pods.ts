import { messageOf } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';
import type { Record } from '../record.ts';
import { ProbePod } from './probe-pod.ts';

type Problem = Record['problems'][number];

/** The namespaces of the cluster itself: no shell is opened in their pods. */
const SYSTEM = new Set(['kube-system', 'calico-system', 'calico-apiserver', 'tigera-operator', 'cilium']);

/** Opens a session in one pod of each node. Reports a node without one as a problem. */
export async function openProbePods(cluster: Cluster, nodes: readonly string[], pods: readonly Pod[]) {
  const byNode = candidates(pods);
  const sessions = new Map<string, ProbePod>();
  const problems: Problem[] = [];
  await Promise.all(
    nodes.map(async (node) => {
      const reasons: string[] = [];
      for (const pod of byNode.get(node) ?? []) {
        try {
          sessions.set(node, await ProbePod.open(cluster, pod));
          return;
        } catch (error) {
          reasons.push(`${pod.metadata?.namespace}/${pod.metadata?.name}: ${messageOf(error)}`);
        }
      }
      const message =
        reasons.length > 0 ? `no pod that can carry traffic (${reasons.join('; ')})` : 'no ready pod runs on it';
      problems.push({ node, message });
    }),
  );
  return { sessions, problems };
}

/** Returns the pods that can carry the proof's traffic by node, best first: a pod labelled app=nc is there for connections like ours. */
function candidates(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const { metadata, spec, status } = pod;
    const ready = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True');
    if (!ready || !status?.podIP || !spec?.nodeName || spec.hostNetwork || metadata?.deletionTimestamp) continue;
    if (SYSTEM.has(metadata?.namespace ?? '')) continue;
    byNode.set(spec.nodeName, [...(byNode.get(spec.nodeName) ?? []), pod]);
  }
  const rank = (pod: Pod) => (pod.metadata?.labels?.app === 'nc' ? 0 : 1);
  for (const list of byNode.values()) list.sort((a, b) => rank(a) - rank(b));
  return byNode;
}
