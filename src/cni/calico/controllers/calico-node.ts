import type { KubeObject } from '../../../kube/object.ts';
import type { ControllerContext } from '../../../kube-api/controllers/controller.ts';
import type { DaemonSet } from '../../../kube-api/controllers/kinds.ts';
import { controllerOf } from '../../../kube-api/controllers/pods.ts';

const NAMESPACE = 'calico-system';
const NAME = 'calico-node';

/** The version whose dataplane this engine plays. */
const IMAGE = 'quay.io/calico/node:v3.32.1';

/** Makes the DaemonSet whose pods run Calico on every node, as its operator does, if there is none. */
export function ensureCalicoNode({ store, cache }: ControllerContext): void {
  if (cache.get('DaemonSet', NAMESPACE, NAME) || !cache.get('Namespace', undefined, NAMESPACE)) return;
  store.create(calicoNode() as unknown as KubeObject);
}

/** Returns whether a pod is one of these: the engine plays it, no process runs in it. */
export function isCalicoNode(pod: KubeObject): boolean {
  const owner = controllerOf(pod);
  return pod.metadata.namespace === NAMESPACE && owner?.kind === 'DaemonSet' && owner.name === NAME;
}

function calicoNode(): DaemonSet {
  const labels = { 'k8s-app': NAME };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: NAME, namespace: NAMESPACE, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      template: {
        metadata: { labels: { ...labels, 'app.kubernetes.io/name': NAME } },
        spec: {
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          restartPolicy: 'Always',
          // Felix goes at once, and what it made stays.
          terminationGracePeriodSeconds: 0,
          tolerations: [{ operator: 'Exists' }],
          containers: [{ name: NAME, image: IMAGE, securityContext: { privileged: true } }],
        },
      },
    },
  };
}
