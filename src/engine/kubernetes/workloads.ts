import type { AppliedObject } from '../../kube/object.ts';
import type { SelectorRequirement } from '../../kube/selectors.ts';

/** On the namespace: the lab that it is of, among all that were ever made. */
export const OWNER = 'wglab.dev/owner';
/** On pods: what they are there for. */
export const ROLE = 'wglab.dev/role';
export type Role = 'probe' | 'proof';

/** The tools that a probe pod must have. */
export const TOOLS = ['tcpdump', 'wg', 'ip', 'bash'] as const;

export interface Images {
  probe: string;
  proof: string;
}

/**
 * The default images, which public registries have. netshoot has every tool but `wg`, which its package manager adds. The project's own
 * engine has no images: `wglab/host-tools` stands for the machine's tools there.
 */
export const DEFAULT_IMAGES: Images = { probe: 'nicolaka/netshoot:v0.16', proof: 'busybox:1.36' };

/** The lab's own namespace: privileged pods are admitted in it, and no service mesh puts anything into them. */
export function namespaceOf(namespace: string, lab: string, owner: string): AppliedObject {
  const levels = ['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'privileged']);
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: { ...ownLabels(lab), ...Object.fromEntries(levels), 'istio-injection': 'disabled' },
      annotations: { [OWNER]: owner, 'linkerd.io/inject': 'disabled' },
    } as AppliedObject['metadata'],
  };
}

/**
 * Returns two DaemonSets for the chosen nodes, with any taints: `probe`, privileged and in the node's own network, and `proof`,
 * an ordinary pod that opens and accepts connections.
 */
export function daemonSetsOf(
  namespace: string,
  lab: string,
  images: Images,
  nodes: readonly SelectorRequirement[],
): AppliedObject[] {
  const set = (role: Role, spec: object, labels: { [key: string]: string } = {}): AppliedObject => ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: role, namespace, labels: ownLabels(lab) } as AppliedObject['metadata'],
    spec: {
      selector: { matchLabels: { [ROLE]: role } },
      template: {
        metadata: { labels: { ...ownLabels(lab), [ROLE]: role, ...labels } },
        spec: { ...common(nodes), ...spec },
      },
    },
  });
  return [
    set('probe', { hostNetwork: true, dnsPolicy: 'Default', containers: [probeContainer(images.probe)] }),
    set('proof', { containers: [proofContainer(images.proof)] }, { app: 'nc' }),
  ];
}

function ownLabels(lab: string): { [key: string]: string } {
  return { 'app.kubernetes.io/managed-by': 'wglab', 'wglab.dev/lab': lab };
}

function common(nodes: readonly SelectorRequirement[]) {
  const linux: SelectorRequirement = { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] };
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    tolerations: [{ operator: 'Exists' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [linux, ...nodes] }],
        },
      },
    },
  };
}

/** Says in its last words what is missing, which the kubelet shows in the pod's status. */
const PROBE = `lacks() {
  missing=
  for tool in ${TOOLS.join(' ')}; do command -v "$tool" > /dev/null || missing="$missing $tool"; done
  [ -n "$missing" ]
}
if lacks && command -v apk > /dev/null; then apk add --no-cache tcpdump wireguard-tools-wg iproute2 bash
elif lacks && command -v apt-get > /dev/null; then
  apt-get update && apt-get install -y --no-install-recommends tcpdump wireguard-tools iproute2 bash
fi
if lacks; then echo "the image lacks$missing"; exit 1; fi
trap 'exit 0' TERM
while :; do sleep 3600 & wait $!; done`;

function probeContainer(image: string) {
  const haveTools = TOOLS.map((tool) => `command -v ${tool}`).join(' && ');
  return {
    name: 'probe',
    image,
    command: ['sh', '-c', PROBE],
    securityContext: { privileged: true },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    readinessProbe: { exec: { command: ['sh', '-c', haveTools] }, periodSeconds: 1, failureThreshold: 1 },
    resources: { requests: { cpu: '10m', memory: '32Mi' } },
  };
}

function proofContainer(image: string) {
  return {
    name: 'proof',
    image,
    command: ['sh', '-c', "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"],
    terminationMessagePolicy: 'FallbackToLogsOnError',
    resources: { requests: { cpu: '10m', memory: '16Mi' } },
  };
}
