import { dirname, resolve } from 'node:path';
import { readDocument, type SourceDocument } from './document.ts';
import { readInputFile, requireFiles } from './input-file.ts';
import { type LinuxPart, linuxPartOf } from './linux-nodes.ts';
import { inputFailure, type Place, type Problem } from './problem.ts';
import { check, problemAt, showPath } from './schema.ts';
import { inherited, kindOf, type TopologyBody, topologySchema } from './topology-schema.ts';

/** A containerlab topology of one kind cluster, and of plain hosts next to it. */
export interface Topology extends LinuxPart {
  file: string;
  /** The lab's name in containerlab. */
  name: string;
  /** The kind cluster's name, which begins the name of each of its nodes. */
  cluster: string;
  image?: string;
  /** The absolute path of the cluster's kind configuration. */
  kindConfig: string;
  /** Set if the topology says so. */
  kindConfigPlace: Place;
}

/**
 * Reads a containerlab topology of one node of kind `k8s-kind`, nodes of kind `linux`, the cluster's own nodes as `ext-container`, and
 * links between those. As in containerlab, what a node does not say itself it has from its group, its kind, or the defaults. Throws a
 * usage failure with places.
 */
export async function readTopology(file: string): Promise<Topology> {
  await refuseTemplate(file);
  const topology = topologyOf(await readDocument(file));
  await requireFiles([{ file: topology.kindConfig, place: topology.kindConfigPlace }]);
  return topology;
}

/** containerlab fills in a Go template, with variables of a file of its own; to YAML it is a mistake somewhere in the middle. */
async function refuseTemplate(file: string): Promise<void> {
  const lines = (await readInputFile(file)).split('\n');
  const line = lines.findIndex((text) => !/^\s*#/.test(text) && /\{\{.*\}\}/.test(text));
  if (line < 0) return;
  const place = { file, line: line + 1, column: (lines[line]?.indexOf('{{') ?? 0) + 1 };
  const message = 'this is a Go template, which wglab does not fill in';
  throw inputFailure([
    { place, message, remedy: `containerlab deploy --export-rendered FILE -t ${file} writes what it makes of it.` },
  ]);
}

/** `readTopology` for a document that is already read; `startup-config` is relative to `document.file`. */
export function topologyOf(document: SourceDocument): Topology {
  const { name, topology } = check({ ...document, value: withBodies(document.value) }, topologySchema);
  const problems: Problem[] = [];
  const clusters: string[] = [];
  for (const [node, own] of Object.entries(topology.nodes)) {
    const kind = kindOf(topology, own);
    if (kind === 'k8s-kind') clusters.push(node);
    else if (kind !== 'linux' && kind !== 'ext-container') {
      problems.push({ place: document.placeOfKey(['topology', 'nodes', node]), message: otherKind(node, kind) });
    }
  }
  problems.push(...foreignContainers(document, topology, clusters));
  const linux = linuxPartOf(document, topology, problems);
  const [cluster, second] = clusters;
  if (second !== undefined) {
    const message = `"${second}" is a second cluster; wglab makes one cluster a lab, here "${cluster}"`;
    problems.push({ place: document.placeOfKey(['topology', 'nodes', second]), message });
  } else if (cluster === undefined && problems.length === 0) {
    problems.push(problemAt(document, ['topology', 'nodes'], 'there is no node of kind k8s-kind'));
  }
  if (problems.length > 0 || cluster === undefined) throw inputFailure(problems);
  return { ...clusterOf(document, name, topology, cluster), ...linux };
}

/** A node without a body has all from its kind and the defaults. */
function withBodies(value: unknown): unknown {
  const { topology } = (value ?? {}) as { topology?: { nodes?: unknown } };
  const nodes = topology?.nodes;
  if (typeof nodes !== 'object' || nodes === null || Array.isArray(nodes)) return value;
  const whole = Object.entries(nodes).map(([name, node]) => [name, node ?? {}]);
  return { ...(value as object), topology: { ...topology, nodes: Object.fromEntries(whole) } };
}

const KINDS = 'wglab makes nodes of kind k8s-kind and linux, and takes those of its cluster as ext-container';

function otherKind(node: string, kind: string | undefined): string {
  if (kind === undefined) return `the node "${node}" has no kind; ${KINDS}`;
  return NETWORK_SYSTEM.test(kind)
    ? `the node "${node}" is of kind "${kind}", a network operating system, which would need an image that wglab cannot look into; ${KINDS}`
    : `the node "${node}" is of kind "${kind}"; ${KINDS}`;
}

/** Kinds of containerlab that are switches and routers (docs/manual/kinds there). */
const NETWORK_SYSTEM =
  /^(nokia_|srl$|vr-|cisco_|juniper_|crpd$|ceos$|arista_|sonic|dell_|fortinet_|mikrotik_|paloalto_|aruba_|cumulus_|cvx$|huawei_|checkpoint_|ipinfusion_|openbsd|freebsd|6wind_|vyosnetworks_|rare$|xrd$)/;

/** containerlab waits a quarter of an hour for a container whose name kind does not assign. */
function foreignContainers(document: SourceDocument, topology: TopologyBody, clusters: readonly string[]): Problem[] {
  return Object.entries(topology.nodes).flatMap(([node, own]) => {
    if (kindOf(topology, own) !== 'ext-container') return [];
    if (clusters.some((cluster) => isNodeOf(node, cluster))) return [];
    const [cluster = 'CLUSTER'] = clusters;
    const message = `the ext-container "${node}" is no node of the cluster; kind names them ${cluster}-control-plane, ${cluster}-worker, ${cluster}-worker2`;
    return [{ place: document.placeOfKey(['topology', 'nodes', node]), message }];
  });
}

/** Returns whether kind gives such a name to a node of a cluster: the first of a role has no number. */
function isNodeOf(node: string, cluster: string): boolean {
  return (
    node.startsWith(`${cluster}-`) && /^(control-plane|worker)([2-9]|[1-9]\d+)?$/.test(node.slice(cluster.length + 1))
  );
}

function clusterOf(
  document: SourceDocument,
  name: string,
  topology: TopologyBody,
  cluster: string,
): Omit<Topology, keyof LinuxPart> {
  const problems: Problem[] = [];
  // The rule is kind's (validNameRE in its validate.go). Hosts' names end at 63 letters, and kind adds `-control-plane` and a number.
  if (!/^[a-z0-9.-]+$/.test(cluster) || cluster.length > 47) {
    const message = `"${cluster}" cannot name a kind cluster; it may have up to 47 small letters, digits, dots and hyphens`;
    problems.push({ place: document.placeOfKey(['topology', 'nodes', cluster]), message });
  }
  const config = inherited(topology, cluster, 'startup-config');
  if (config === undefined) {
    const message = `the node "${cluster}" has no startup-config; wglab needs its kind configuration`;
    problems.push({ place: document.placeOfKey(['topology', 'nodes', cluster]), message });
  } else if (!isPlainPath(config.value)) {
    const message = `${showPath(config.path)} must be the path of a file; wglab reads no URL, no text in place, and no variables`;
    problems.push(problemAt(document, config.path, message));
  }
  if (problems.length > 0 || config === undefined) throw inputFailure(problems);
  const image = inherited(topology, cluster, 'image');
  return {
    file: document.file,
    name,
    cluster,
    ...(image && { image: image.value }),
    kindConfig: resolve(dirname(document.file), config.value),
    kindConfigPlace: document.placeOf(config.path),
  };
}

/** containerlab also takes URLs, the text of a configuration itself, and expands `${…}` and names like `__clabDir__`. */
function isPlainPath(value: string): boolean {
  return value.trim() !== '' && !/[\n$]|^[a-z0-9]+:\/\/|__clab|__name/i.test(value);
}
