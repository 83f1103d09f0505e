import { felixWireguard } from '../../cni/calico/keys.ts';
import { type Cni, detectCni } from '../../cni/detect.ts';
import { lackingFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Node } from '../../kube/objects.ts';
import { type Images, TOOLS } from './workloads.ts';

/** A cluster as it was found. */
export interface Survey {
  server: string;
  /** The kubelet's version on the first node. */
  kubernetes: string;
  cni: Cni;
  /** True if Calico is asked to encrypt; undefined if that is not known. */
  encrypted: boolean | undefined;
  /** The nodes that get a probe. */
  chosen: string[];
  /** Those that are to get one and cannot, and why. */
  leftOut: Map<string, string>;
  /** Those that were not chosen, and so are nobody's concern, in which words. */
  outside: Map<string, string>;
}

/** Looks at a cluster without changing it. Throws Failure 4 if it has no node that could be probed. */
export async function survey(cluster: Cluster, selector: string | undefined): Promise<Survey> {
  const [nodes, selected, cni] = await Promise.all([
    cluster.nodes(),
    cluster.list<Node>('v1', 'Node', undefined, selector),
    detectCni(cluster),
  ]);
  const wanted = new Set(selected.items.map(({ metadata }) => metadata?.name));
  const chosen: string[] = [];
  const leftOut = new Map<string, string>();
  const outside = new Map<string, string>();
  for (const node of nodes) {
    const name = node.metadata?.name ?? '';
    const why = whyNot(node);
    if (!wanted.has(name)) outside.set(name, `it was not chosen (--nodes ${selector})`);
    else if (why === undefined) chosen.push(name);
    else leftOut.set(name, why);
  }
  if (chosen.length === 0) {
    const reasons = [...leftOut, ...outside].map(([name, why]) => `${name}: ${why}`);
    throw lackingFailure('the cluster has no node that could be probed', { detail: reasons.join('\n') });
  }
  return {
    server: cluster.server,
    kubernetes: nodes[0]?.status?.nodeInfo?.kubeletVersion ?? 'of an unknown version',
    cni,
    encrypted: cni.isCalico ? (await felixWireguard(cluster)).enabled : undefined,
    chosen,
    leftOut,
    outside,
  };
}

function whyNot({ status }: Node): string | undefined {
  const system = status?.nodeInfo?.operatingSystem;
  if (system && system !== 'linux') return `it runs ${system}`;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? undefined : `it is not Ready (${ready?.message ?? 'it says nothing of itself'})`;
}

/** How many names are written out. */
const NAMED = 5;

/** Lists what is going to be created and changed, in lines for a person, before any of it is. */
export function announcement(found: Survey, namespace: string, context: string, images: Images): string[] {
  const { chosen, leftOut, outside, cni, encrypted } = found;
  const count = `${chosen.length} ${chosen.length === 1 ? 'node' : 'nodes'}`;
  const encryption = { true: 'on', false: 'off', undefined: 'not known' }[String(encrypted)];
  return [
    `cluster: ${found.server} (context ${context}), Kubernetes ${found.kubernetes}, CNI ${cni.name}, encryption ${encryption}`,
    ...cni.limits.map((limit) => `  cannot be judged: ${limit}`),
    'wglab creates, and removes again with "wglab destroy":',
    `  namespace ${namespace}, in which privileged pods are admitted`,
    `  DaemonSet ${namespace}/probe on ${count} (${some(chosen)}): a privileged pod in the node's network, which captures`,
    `    packets; image ${images.probe}; what it lacks of ${TOOLS.join(', ')} its package manager adds, in the pod alone`,
    `  DaemonSet ${namespace}/proof on the same nodes: a pod that sends marked connections; image ${images.proof}`,
    'It changes nothing else. Encryption stays as it is unless "wglab encrypt on" or "off" is called.',
    ...leftOutLines(leftOut),
    ...outsideLines(outside),
  ];
}

/** Names each node that is not probed, and says what follows from it. */
export function leftOutLines(leftOut: ReadonlyMap<string, string>): string[] {
  const lines = [...leftOut].map(([name, why]) => `  ${name}: ${why}`);
  return lines.length > 0 ? ['Not probed, so that pairs with these nodes stay inconclusive:', ...lines] : [];
}

/** A claim is worth nothing beyond the nodes that it is about: the others are named, or counted if there are many. */
function outsideLines(outside: ReadonlyMap<string, string>): string[] {
  const [why] = outside.values();
  return why === undefined
    ? []
    : [`Out of scope, so that nothing is said of traffic with them: ${some([...outside.keys()])}: ${why}`];
}

function some(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
