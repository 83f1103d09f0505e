import type { Cluster } from '../kube/cluster.ts';
import type { DaemonSet } from '../kube/objects.ts';
import { felixKind } from './calico/keys.ts';

/** The CNI that connects the pods of a cluster, as far as its objects show. */
export interface Cni {
  name: string;
  /** The tag of its agents' image; undefined if it has none. */
  version?: string;
  isCalico: boolean;
  /** Things that wglab cannot judge with it, a sentence each. */
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
  const agents = (pattern: RegExp) => daemonSets.find(({ metadata }) => pattern.test(metadata?.name ?? ''));
  const found = OTHERS.filter(([pattern]) => agents(pattern) !== undefined);
  const others = found.map(([, name]) => name);
  const version = versionOf(agents(felix ? /^(calico-node|canal)$/ : (found[0]?.[0] ?? /^$/)));
  if (felix) {
    const limits = others.map((name) => `what ${name} encrypts by itself: only Calico's WireGuard is known here`);
    return { name: ['Calico', ...others].join(' with '), ...version, isCalico: true, limits };
  }
  return {
    name: others.join(' with ') || 'unknown',
    ...version,
    isCalico: false,
    limits: [
      'whether traffic is encrypted: its WireGuard keys are known with Calico alone; what is readable is found with any CNI',
      'addresses of pods beyond those that nodes and pods say themselves',
    ],
  };
}

/** The tag of the first container's image, which may have a registry with a port and a digest around it. */
function versionOf(agents: DaemonSet | undefined): { version?: string } {
  const image = agents?.spec?.template.spec?.containers[0]?.image ?? '';
  const tag = /:([^:/@]+)(@.*)?$/.exec(image)?.[1];
  return tag === undefined || image.startsWith('sha256:') ? {} : { version: tag };
}
