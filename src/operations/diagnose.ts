import { diagnose } from '../cni/calico/diagnosis/chain.ts';
import type { Finding, NodeFindings } from '../cni/calico/diagnosis/facts.ts';
import { type Family, IPV4, IPV6 } from '../cni/calico/families.ts';
import {
  type CalicoNode,
  calicoNode,
  calicoNodeV6,
  calicoReadGroup,
  podBlocks,
  wireguardDevice,
} from '../cni/calico/keys.ts';
import { lackingFailure, messageOf } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { KubeObject, Pod } from '../kube/objects.ts';
import { type NodeShell, UnprobedNode } from '../process/node-shell.ts';
import { type AskedFacts, askNode, NOTHING_ASKED, type PodAddress } from './diagnose/ask-node.ts';
import { tryPaths } from './diagnose/try-paths.ts';

type Fields = Family['fields'];

interface FelixConfiguration extends KubeObject {
  spec?: { [field in Fields['enabled']]?: boolean } & { [field in Fields['interface']]?: string } & {
    [field in Fields['port'] | 'wireguardRoutingRulePriority']?: number;
  } & { routeSource?: string };
}

export interface Diagnosis {
  findings: Finding[];
  /** Nodes that could not be asked, and why: of them only what they publish is judged. */
  unprobed: { node: string; reason: string }[];
}

/**
 * Finds out why encryption is not in force: every link of the chain on every node, for IPv4 and then, on nodes that have it, for IPv6.
 * Throws failure 4 if the cluster has no Calico.
 */
export async function diagnoseCluster(cluster: Cluster, shell: NodeShell): Promise<Diagnosis> {
  const [nodes, configurations, blocksOf, pods] = await Promise.all([
    cluster.nodes(),
    listOf<FelixConfiguration>(cluster, 'FelixConfiguration'),
    podBlocks(cluster),
    cluster.pods(),
  ]);
  if (!configurations) {
    throw lackingFailure('the cluster has no Calico, and wglab knows the chain of no other encryption', {
      remedy: 'wglab verify looks at any cluster.',
    });
  }
  const findings = async (published: readonly CalicoNode[], family: Family) => {
    const addresses = podAddresses(pods, family.version);
    const asked = await Promise.all(
      published.map(async (node): Promise<NodeFindings> => {
        const felix = felixOf(configurations, node.name, family);
        const portBy = configuredBy(configurations, node.name, family.fields.port);
        const blocks = routesBlocks(configurations) ? blocksOf(node.name, family.version) : [];
        return { ...node, ...(await factsOf(shell, node, felix, family, addresses)), felix, portBy, blocks };
      }),
    );
    const tried = await tryPaths(shell, asked, family.version, addresses);
    return asked.map((node) => ({ ...node, ...tried.get(node.name) }));
  };
  const four = await findings(nodes.map(calicoNode), IPV4);
  const ofIpv6 = nodes.flatMap((node) => calicoNodeV6(node) ?? []);
  const six = await findings(ofIpv6, IPV6);
  const unprobed = four.flatMap(({ name, unprobed: reason }) => (reason === undefined ? [] : [{ node: name, reason }]));
  return { findings: [...diagnose(four), ...diagnose(six, IPV6)], unprobed };
}

/** The addresses of pods that run and have a network of their own. */
function podAddresses(pods: readonly Pod[], family: 4 | 6): PodAddress[] {
  return pods.flatMap(({ metadata, spec, status }) => {
    if (spec?.hostNetwork || status?.phase !== 'Running' || metadata?.deletionTimestamp) return [];
    const addresses = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)];
    const address = addresses.find((ip) => ip !== undefined && ip.includes(':') === (family === 6));
    return address && spec?.nodeName ? [{ address, node: spec.nodeName }] : [];
  });
}

/** Returns all objects of a kind of Calico's; undefined if the cluster does not serve it. */
async function listOf<T extends object>(cluster: Cluster, kind: string): Promise<T[] | undefined> {
  const group = await calicoReadGroup(cluster, kind);
  return group === undefined ? undefined : (await cluster.list<T>(group, kind)).items;
}

/** Returns what the node says of itself, or why it says nothing: one that cannot be asked keeps no other from being judged. */
async function factsOf(
  shell: NodeShell,
  node: CalicoNode,
  felix: NodeFindings['felix'],
  family: Family,
  pods: readonly PodAddress[],
): Promise<AskedFacts & Pick<NodeFindings, 'device' | 'unprobed'>> {
  try {
    const [facts, device] = await Promise.all([
      askNode(shell, node, felix, family, pods),
      wireguardDevice(shell, node.name, felix.interface, family.version),
    ]);
    return { ...facts, ...(device ? { device } : {}) };
  } catch (error) {
    const unprobed = error instanceof UnprobedNode ? error.reason : messageOf(error);
    return { ...NOTHING_ASKED, unprobed };
  }
}

/** `default`, and over it what is said for this node alone. */
function felixOf(
  configurations: readonly FelixConfiguration[],
  node: string,
  { fields, defaults }: Family,
): NodeFindings['felix'] {
  const spec = { ...named(configurations, 'default'), ...named(configurations, `node.${node}`) };
  return {
    enabled: spec[fields.enabled] ?? false,
    by: configuredBy(configurations, node, fields.enabled),
    interface: spec[fields.interface] ?? defaults.interface,
    port: spec[fields.port] ?? defaults.port,
    priority: spec.wireguardRoutingRulePriority ?? 99,
  };
}

function named(configurations: readonly FelixConfiguration[], name: string): FelixConfiguration['spec'] {
  return configurations.find(({ metadata }) => metadata?.name === name)?.spec;
}

/** With `WorkloadIPs`, nodes route single pods, and not the blocks that these are from. */
function routesBlocks(configurations: readonly FelixConfiguration[]): boolean {
  return named(configurations, 'default')?.routeSource !== 'WorkloadIPs';
}

function configuredBy(
  configurations: readonly FelixConfiguration[],
  node: string,
  field: keyof NonNullable<FelixConfiguration['spec']>,
): string {
  return named(configurations, `node.${node}`)?.[field] === undefined ? 'default' : `node.${node}`;
}
