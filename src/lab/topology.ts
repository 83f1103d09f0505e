import { dirname, resolve } from 'node:path';
import { readDocument, type SourceDocument } from './document.ts';
import { requireFiles } from './input-file.ts';
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
 * Reads a containerlab topology of one node of kind `k8s-kind`, nodes of kind `linux`, and links between those. As in
 * containerlab, a node inherits from its group, its kind, and the defaults. Throws a usage failure with
 * places.
 */
export async function readTopology(file: string): Promise<Topology> {
  const topology = topologyOf(await readDocument(file));
  await requireFiles([{ file: topology.kindConfig, place: topology.kindConfigPlace }]);
  return topology;
}

/** `readTopology` for a document that is already read; `startup-config` is relative to `document.file`. */
export function topologyOf(document: SourceDocument): Topology {
  const { name, topology } = check(document, topologySchema);
  const problems: Problem[] = [];
  const clusters: string[] = [];
  for (const [node, own] of Object.entries(topology.nodes)) {
    const kind = kindOf(topology, own);
    if (kind === 'k8s-kind') clusters.push(node);
    else if (kind !== 'linux') {
      problems.push({ place: document.placeOfKey(['topology', 'nodes', node]), message: otherKind(node, kind) });
    }
  }
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

function otherKind(node: string, kind: string | undefined): string {
  return kind === undefined
    ? `the node "${node}" has no kind; wglab makes nodes of kind k8s-kind and linux`
    : `the node "${node}" is of kind "${kind}"; wglab makes nodes of kind k8s-kind and linux`;
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
