import * as z from 'zod/mini';
import { type Cidr, isNetwork, overlap, parseCidr } from '../net/cidr.ts';
import type { Path, SourceDocument } from './document.ts';
import { NODE_SUBNET } from './node-subnet.ts';
import { inputFailure, type Problem, showPlace } from './problem.ts';
import { check, ignored, problemAt } from './schema.ts';

/** The cluster that a kind configuration describes, with kind's own defaults for what it leaves out. */
export interface ClusterConfig {
  file: string;
  /** As kind names and orders them. */
  nodes: ClusterNode[];
  ipFamily: 'ipv4' | 'ipv6' | 'dual';
  /** One CIDR; for `dual` two, with a comma between. */
  podSubnet: string;
  /** As `podSubnet`. */
  serviceSubnet: string;
}

interface ClusterNode {
  /** `CLUSTER-control-plane`, `CLUSTER-worker`, `CLUSTER-worker2`: the first of a role has no number. */
  name: string;
  role: 'control-plane' | 'worker';
  labels: Record<string, string>;
  image?: string;
}

/** Reads a kind configuration (v1alpha4), for the cluster of that name. Throws a usage failure with places. */
export function clusterConfigOf(document: SourceDocument, cluster: string): ClusterConfig {
  const { nodes = [{}], networking = {} } = check(document, clusterSchema);
  const ipFamily = networking.ipFamily ?? 'ipv4';
  const problems: Problem[] = [];

  if (networking.disableDefaultCNI !== true) {
    const path = networking.disableDefaultCNI === undefined ? ['networking'] : ['networking', 'disableDefaultCNI'];
    const message = 'networking.disableDefaultCNI must be true; the lab brings its own CNI';
    problems.push({ place: document.placeOfKey(path), message });
  }
  const named = nameNodes(nodes, cluster);
  for (const [role, why] of [
    ['control-plane', 'there is no control-plane node; a cluster needs one'],
    ['worker', 'there are 0 workers; without a second node for pods nothing crosses a wire that one could look at'],
  ] as const) {
    if (!named.some((node) => node.role === role)) {
      problems.push({
        place: document.placeOfKey(['nodes']),
        message: why,
        remedy: `Add \`- role: ${role}\` to nodes.`,
      });
    }
  }
  const podSubnet = networking.podSubnet ?? POD_SUBNETS[ipFamily];
  const serviceSubnet = networking.serviceSubnet ?? SERVICE_SUBNETS[ipFamily];
  const subnets = [
    ...subnetsOf(document, 'podSubnet', podSubnet, ipFamily, problems),
    ...subnetsOf(document, 'serviceSubnet', serviceSubnet, ipFamily, problems),
    ...subnetsOf(document, undefined, NODE_SUBNET, 'ipv4', problems),
  ];
  problems.push(...overlaps(document, subnets));
  if (problems.length > 0) throw inputFailure(problems);
  return { file: document.file, nodes: named, ipFamily, podSubnet, serviceSubnet };
}

/** kind's default.go. */
const POD_SUBNETS = { ipv4: '10.244.0.0/16', ipv6: 'fd00:10:244::/56', dual: '10.244.0.0/16,fd00:10:244::/56' };
const SERVICE_SUBNETS = { ipv4: '10.96.0.0/16', ipv6: 'fd00:10:96::/112', dual: '10.96.0.0/16,fd00:10:96::/112' };

/** As kind's namer (providers/common/namer.go): numbers from 2, counted for each role. */
/** Returns the same cluster with another number of workers, which have the labels of the first one. */
export function withWorkers(config: ClusterConfig, cluster: string, workers: number): ClusterConfig {
  const others = config.nodes.filter(({ role }) => role !== 'worker');
  const labels = config.nodes.find(({ role }) => role === 'worker')?.labels ?? {};
  const made = Array.from({ length: workers }, () => ({ role: 'worker' as const, labels }));
  return { ...config, nodes: [...others, ...nameNodes(made, cluster)] };
}

function nameNodes(
  nodes: readonly { role?: 'control-plane' | 'worker'; labels?: Record<string, string>; image?: string }[],
  cluster: string,
): ClusterNode[] {
  const count = { 'control-plane': 0, worker: 0 };
  return nodes.map(({ role = 'control-plane', labels = {}, image }) => {
    count[role] += 1;
    const number = count[role] === 1 ? '' : String(count[role]);
    return { name: `${cluster}-${role}${number}`, role, labels, ...(image !== undefined && { image }) };
  });
}

interface Subnet {
  cidr: Cidr;
  text: string;
  key: 'podSubnet' | 'serviceSubnet' | undefined;
}

/** Returns the networks that a setting names, and adds their mistakes to `problems`. Without a key it is the nodes' own network. */
function subnetsOf(
  document: SourceDocument,
  key: Subnet['key'],
  value: string,
  ipFamily: ClusterConfig['ipFamily'],
  problems: Problem[],
): Subnet[] {
  const path: Path = ['networking', key ?? ''];
  const found: Subnet[] = [];
  for (const text of value.split(',')) {
    const cidr = parseCidr(text);
    if (!cidr)
      problems.push(problemAt(document, path, `networking.${key}: "${text}" is not a network such as 10.244.0.0/16`));
    else if (!isNetwork(cidr))
      problems.push(
        problemAt(
          document,
          path,
          `networking.${key}: "${text}" is an address in a network, not a network; the bits after /${cidr.prefix} must be 0`,
        ),
      );
    else found.push({ cidr, text, key });
  }
  const families = found.map(({ cidr }) => cidr.family).join();
  const right = { ipv4: families === '4', ipv6: families === '6', dual: families === '4,6' || families === '6,4' };
  if (found.length === value.split(',').length && !right[ipFamily]) {
    const wanted = { ipv4: 'one IPv4 network', ipv6: 'one IPv6 network', dual: 'an IPv4 and an IPv6 network' }[
      ipFamily
    ];
    problems.push(
      problemAt(document, path, `networking.${key} must be ${wanted}, as ipFamily is ${ipFamily}; it is "${value}"`),
    );
  }
  return found;
}

function overlaps(document: SourceDocument, subnets: readonly Subnet[]): Problem[] {
  return subnets.flatMap((one, i) =>
    subnets.slice(i + 1).flatMap((other) => {
      if (!overlap(one.cidr, other.cidr)) return [];
      const message = `${describe(document, one)} and ${describe(document, other)} overlap`;
      const written = [one, other].find(({ key }) => key && document.has(['networking', key])) ?? one;
      return problemAt(
        document,
        ['networking', written.key ?? ''],
        message,
        'Choose networks that have no address in common.',
      );
    }),
  );
}

function describe(document: SourceDocument, { text, key }: Subnet): string {
  if (key === undefined) return `the network of the nodes ${text}`;
  const path = ['networking', key];
  return `${key} ${text} (${document.has(path) ? showPlace(document.placeOf(path)) : "kind's default"})`;
}

const patches = z.optional(z.array(z.string()));

/** Keys of kind's v1alpha4 (pkg/apis/config/v1alpha4/types.go). */
const nodeSchema = z.strictObject({
  role: z.optional(z.enum(['control-plane', 'worker'])),
  image: z.optional(z.string()),
  labels: z.optional(z.record(z.string(), z.string())),
  kubeadmConfigPatches: patches,
  ...ignored('extraMounts', 'extraPortMappings', 'kubeadmConfigPatchesJSON6902'),
});

const clusterSchema = z.strictObject({
  kind: z.literal('Cluster'),
  apiVersion: z.literal('kind.x-k8s.io/v1alpha4'),
  // containerlab and `kind create cluster --name` decide the name.
  name: z.optional(z.string()),
  nodes: z.optional(z.array(nodeSchema)),
  networking: z.optional(
    z.strictObject({
      ipFamily: z.optional(z.enum(['ipv4', 'ipv6', 'dual'])),
      podSubnet: z.optional(z.string()),
      serviceSubnet: z.optional(z.string()),
      disableDefaultCNI: z.optional(z.boolean()),
      kubeProxyMode: z.optional(z.enum(['iptables', 'ipvs', 'nftables', 'none'])),
      apiServerAddress: z.optional(z.string()),
      apiServerPort: z.optional(z.int()),
      dnsSearch: z.optional(z.array(z.string())),
    }),
  ),
  featureGates: z.optional(z.record(z.string(), z.boolean())),
  runtimeConfig: z.optional(z.record(z.string(), z.string())),
  kubeadmConfigPatches: patches,
  containerdConfigPatches: patches,
  containerdConfigPatchesJSON6902: patches,
  ...ignored('kubeadmConfigPatchesJSON6902'),
});
