import type { Cluster } from '../kube/cluster.ts';
import type { DaemonSet } from '../kube/objects.ts';
import { felixKind } from './calico.ts';

/** What connects the pods of a cluster, as far as can be seen from its objects. */
export interface Cni {
  name: string;
  isCalico: boolean;
  /** What wglab cannot judge with it, a sentence each. */
  limits: string[];
}

/** DaemonSets by which other CNIs are known; the first word of a name counts. */
const OTHERS: readonly [daemonSet: RegExp, name: string][] = [
  [/^cilium(-agent)?$/, 'Cilium'],
  [/^kube-flannel/, 'flannel'],
  [/^antrea-agent$/, 'Antrea'],
  [/^weave-net$/, 'Weave Net'],
  [/^kindnet$/, 'kindnet'],
  [/^kube-router$/, 'kube-router'],
  [/^ovnkube-node/, 'OVN-Kubernetes'],
  [/^aws-node$/, 'Amazon VPC CNI'],
  [/^azure-cns$/, 'Azure CNI'],
];

/** Tells Calico from other CNIs, and says what cannot be judged with those. */
export async function detectCni(cluster: Cluster): Promise<Cni> {
  const [felix, daemonSets] = await Promise.all([
    felixKind(cluster),
    cluster.list<DaemonSet>('apps/v1', 'DaemonSet').then(({ items }) => items),
  ]);
  const names = daemonSets.map(({ metadata }) => metadata?.name ?? '');
  const others = OTHERS.filter(([pattern]) => names.some((name) => pattern.test(name))).map(([, name]) => name);
  if (felix) {
    const limits = others.map((name) => `what ${name} encrypts by itself: only Calico's WireGuard is known here`);
    return { name: ['Calico', ...others].join(' with '), isCalico: true, limits };
  }
  return {
    name: others.join(' with ') || 'unknown',
    isCalico: false,
    limits: [
      'whether traffic is encrypted: its WireGuard keys are known with Calico alone; what is readable is found with any CNI',
      'addresses of pods beyond those that nodes and pods say themselves',
    ],
  };
}
