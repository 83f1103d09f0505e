import type { KubeObject } from '../../../kube/object.ts';
import { controllerOf } from '../../../kube-api/controllers/pods.ts';
import { AGENT, AGENT_CONTAINER, AGENT_LABELS, CONFIG_MAP, IPSEC_SECRET, NAMESPACE, VERSION } from '../names.ts';

/** Returns whether a pod is an agent: the engine plays it, no process runs in it. */
export function isAgent(pod: KubeObject): boolean {
  const owner = controllerOf(pod);
  return pod.metadata.namespace === NAMESPACE && owner?.kind === 'DaemonSet' && owner.name === AGENT;
}

/** The DaemonSet of the agents, with the fields of the chart's that mean something here. */
export function agentDaemonSet(): KubeObject {
  const labels = { ...AGENT_LABELS, 'app.kubernetes.io/name': 'cilium-agent', 'app.kubernetes.io/part-of': 'cilium' };
  const container = {
    name: AGENT_CONTAINER,
    image: `quay.io/cilium/cilium:${VERSION}`,
    command: ['cilium-agent'],
    args: ['--config-dir=/tmp/cilium/config-map'],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: AGENT, namespace: NAMESPACE, labels },
    spec: {
      selector: { matchLabels: AGENT_LABELS },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } },
      template: {
        metadata: { labels, annotations: { 'kubectl.kubernetes.io/default-container': AGENT_CONTAINER } },
        spec: {
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          restartPolicy: 'Always',
          // The agent leaves the node's network as it is.
          terminationGracePeriodSeconds: 1,
          tolerations: [{ operator: 'Exists' }],
          containers: [container],
          volumes: [
            { name: 'cilium-config-path', configMap: { name: CONFIG_MAP.name } },
            { name: 'cilium-ipsec-secrets', secret: { secretName: IPSEC_SECRET.name, optional: true } },
          ],
        },
      },
    },
  };
}
