import { dirname, resolve } from 'node:path';
import * as z from 'zod/mini';
import { type Path, readDocument, type SourceDocument } from './document.ts';
import type { EngineName } from './engine-name.ts';
import { requireFiles } from './input-file.ts';
import { inputFailure, type Place, type Problem } from './problem.ts';
import { check, ignored, problemAt, showPath } from './schema.ts';

/** A containerlab topology of one kind cluster. */
export interface Topology {
  file: string;
  /** The lab's name in containerlab. */
  name: string;
  /** The kind cluster's name, which begins the name of each of its nodes. */
  cluster: string;
  image?: string;
  /** The absolute path of the cluster's kind configuration. */
  kindConfig: string;
  /** Where the topology says so. */
  kindConfigPlace: Place;
}

/**
 * Reads a containerlab topology that consists of one node of kind `k8s-kind`, and of nodes of kind `linux` and links between them
 * where the engine can make those. As in containerlab, what a node does not say itself it has from its group, its kind, or the
 * defaults. Throws a usage failure with places.
 */
export async function readTopology(file: string, engine: EngineName | 'auto' = 'auto'): Promise<Topology> {
  const topology = topologyOf(await readDocument(file), engine);
  await requireFiles([{ file: topology.kindConfig, place: topology.kindConfigPlace }]);
  return topology;
}

/** `readTopology` for a document that is already read; `startup-config` is looked for beside `document.file`. */
export function topologyOf(document: SourceDocument, engine: EngineName | 'auto' = 'auto'): Topology {
  const takesOthers = engine === 'containerlab';
  const { name, topology } = check(document, topologySchema);
  const problems: Problem[] = [];
  const clusters: string[] = [];
  for (const [node, own] of Object.entries(topology.nodes)) {
    const kind = kindOf(topology, own);
    if (kind === 'k8s-kind') clusters.push(node);
    else if (!takesOthers || kind !== 'linux')
      problems.push({
        place: document.placeOfKey(['topology', 'nodes', node]),
        message: otherKind(node, kind),
        remedy: OTHERS,
      });
  }
  if (topology.links && topology.links.length > 0 && !takesOthers) {
    problems.push({
      place: document.placeOfKey(['topology', 'links']),
      message: 'wglab makes no links between nodes yet',
      remedy: OTHERS,
    });
  }
  const [cluster, second] = clusters;
  if (second !== undefined) {
    const message = `"${second}" is a second cluster; wglab makes one cluster a lab, here "${cluster}"`;
    problems.push({ place: document.placeOfKey(['topology', 'nodes', second]), message });
  } else if (cluster === undefined && problems.length === 0) {
    problems.push(problemAt(document, ['topology', 'nodes'], 'there is no node of kind k8s-kind'));
  }
  if (problems.length > 0 || cluster === undefined) throw inputFailure(problems);
  return clusterOf(document, name, topology, cluster);
}

const OTHERS =
  'Nodes of kind linux beside the kind cluster, and links between them, are for the containerlab engine: --engine containerlab.';

function otherKind(node: string, kind: string | undefined): string {
  return kind === undefined
    ? `the node "${node}" has no kind; wglab makes nodes of kind k8s-kind`
    : `the node "${node}" is of kind "${kind}"; wglab makes nodes of kind k8s-kind`;
}

function clusterOf(document: SourceDocument, name: string, topology: TopologyBody, cluster: string): Topology {
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

function kindOf(topology: TopologyBody, own: NodeDefinition): string | undefined {
  const group = own.group === undefined ? undefined : topology.groups?.[own.group];
  return own.kind ?? group?.kind ?? topology.defaults?.kind;
}

/** What the node itself, its group, its kind or the defaults say, in containerlab's order. */
function inherited(
  topology: TopologyBody,
  node: string,
  key: 'image' | 'startup-config',
): { value: string; path: Path } | undefined {
  const own = topology.nodes[node] ?? {};
  const kind = kindOf(topology, own) ?? '';
  const from: [NodeDefinition | undefined, Path][] = [
    [own, ['topology', 'nodes', node]],
    [topology.groups?.[own.group ?? ''], ['topology', 'groups', own.group ?? '']],
    [topology.kinds?.[kind], ['topology', 'kinds', kind]],
    [topology.defaults, ['topology', 'defaults']],
  ];
  for (const [definition, path] of from) {
    const value = definition?.[key];
    if (value !== undefined) return { value, path: [...path, key] };
  }
  return undefined;
}

/** As Go's time.ParseDuration: `0s`, `1m30s`. */
const GO_DURATION = /^\+?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/;

/** Keys of containerlab 0.79 (types/node_definition.go and schemas/clab.schema.json there). */
const nodeSchema = z.strictObject({
  kind: z.optional(z.string()),
  group: z.optional(z.string()),
  image: z.optional(z.string()),
  'startup-config': z.optional(z.string()),
  extras: z.optional(
    z.strictObject({
      k8s_kind: z.optional(
        z.strictObject({
          deploy: z.optional(
            z.strictObject({
              wait: z.optional(z.string().check(z.regex(GO_DURATION, 'must be a time such as 0s or 5m'))),
              kubeconfig: z.optional(z.string()),
            }),
          ),
        }),
      ),
      ...ignored('srl-agents', 'mysocket-proxy', 'ceos-copy-to-flash'),
    }),
  ),
  ...ignored('aliases', 'auto-remove', 'binds', 'cap-add', 'certificate', 'cgroup-parent', 'cgroupns-mode', 'cmd'),
  ...ignored('components', 'config', 'cpu', 'cpu-set', 'credentials', 'devices', 'dns', 'enforce-startup-config'),
  ...ignored('entrypoint', 'env', 'env-files', 'exec', 'healthcheck', 'hostname', 'image-pull-policy', 'labels'),
  ...ignored('license', 'link-apply-mode', 'memory', 'mgmt-ipv4', 'mgmt-ipv6', 'network-mode', 'pid-mode', 'ports'),
  ...ignored('position', 'privileged', 'restart-policy', 'runtime', 'security-opts', 'shm-size', 'stages'),
  ...ignored('startup-delay', 'suppress-startup-config', 'sysctls', 'tmpfs', 'type', 'user', 'volumes'),
});

const bodySchema = z.strictObject({
  nodes: z.record(z.string(), nodeSchema),
  kinds: z.optional(z.record(z.string(), nodeSchema)),
  groups: z.optional(z.record(z.string(), nodeSchema)),
  defaults: z.optional(nodeSchema),
  links: z.optional(z.array(z.unknown())),
});

const topologySchema = z.strictObject({
  name: z
    .string()
    .check(
      z.regex(
        /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
        'must begin with a letter or digit and have only letters, digits, dots, hyphens and underscores',
      ),
    ),
  topology: bodySchema,
  ...ignored('prefix', 'mgmt', 'settings', 'debug'),
});

type NodeDefinition = z.output<typeof nodeSchema>;
type TopologyBody = z.output<typeof bodySchema>;
