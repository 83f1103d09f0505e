import { dirname, isAbsolute, resolve } from 'node:path';
import { stringify } from 'yaml';
import { usageFailure } from '../../errors.ts';
import { readDocument } from '../../lab/document.ts';
import type { ClusterConfig } from '../../lab/kind-config.ts';
import type { Lab } from '../../lab/lab.ts';
import { writeWhole } from '../../state/whole-file.ts';
import type { DeploymentFiles, DeploymentRecord } from './record.ts';

/** Everything that containerlab is to make: the lab's topology and kind configuration as they are written, and what becomes of them here. */
export interface Plan {
  record: Omit<DeploymentRecord, 'networksBefore'>;
  /** The topology as the lab has it, and the folder that paths in it start from. */
  topology: Json;
  topologyFolder: string;
  cluster?: {
    /** The node of the topology that is the cluster. */
    key: string;
    image?: string;
    kindConfig: Json;
    kindFolder: string;
    config: ClusterConfig;
  };
  /** Every image that the topology names. */
  images: string[];
}

type Json = Record<string, unknown>;

/** Returns the plan for a lab under the name of its deployment: two deployments of one lab have two names, so that Docker can tell them apart. */
export async function planOf(lab: Lab, name: string): Promise<Plan> {
  const { topology, cluster: config } = lab;
  const [topologyDocument, kindDocument] = await Promise.all([
    readDocument(topology.file),
    readDocument(topology.kindConfig),
  ]);
  const beside = planWithoutCluster(topologyDocument.value as Json, dirname(topology.file), name, topology.cluster);
  if (beside.record.linux.includes(name)) {
    throw usageFailure(`the topology has a node "${name}", which is the name that the cluster would have`, {
      remedy: 'wglab deploy --name ANOTHER',
    });
  }
  const nodes = config.nodes.map((node) => `${name}${node.name.slice(topology.cluster.length)}`);
  return {
    ...beside,
    record: { ...beside.record, cluster: name, nodes },
    cluster: {
      key: topology.cluster,
      ...(topology.image === undefined ? {} : { image: topology.image }),
      kindConfig: kindDocument.value as Json,
      kindFolder: dirname(topology.kindConfig),
      config,
    },
    images: [...(topology.image === undefined ? [] : [topology.image]), ...beside.images],
  };
}

/** Returns the plan for a topology's nodes other than the cluster `key`. */
export function planWithoutCluster(topology: Json, topologyFolder: string, name: string, key?: string): Plan {
  const { nodes, kinds, defaults } = topologyBody(topology);
  const isOwn = (node: string) => kindIn(topology, node) === 'ext-container';
  const linux = Object.keys(nodes).filter((node) => node !== key && !isOwn(node));
  const images = linux.flatMap((node) => {
    const image = nodes[node]?.image ?? kinds.linux?.image ?? defaults.image;
    return typeof image === 'string' ? [image] : [];
  });
  return { record: { lab: name, nodes: [], linux }, topology, topologyFolder, images: [...new Set(images)] };
}

interface Body {
  nodes: Record<string, Json>;
  kinds: Record<string, Json>;
  groups: Record<string, Json>;
  defaults: Json;
}

function topologyBody(topology: Json): Body {
  const { nodes = {}, kinds = {}, groups = {}, defaults = {} } = topology.topology as Partial<Body>;
  const whole = (definitions: Record<string, Json | null>) =>
    Object.fromEntries(Object.entries(definitions).map(([name, definition]) => [name, definition ?? {}]));
  return { nodes: whole(nodes), kinds: whole(kinds), groups: whole(groups), defaults };
}

/** The kind of a node: its own, its group's, or the default. */
function kindIn(topology: Json, node: string): unknown {
  const { nodes, groups, defaults } = topologyBody(topology);
  return nodes[node]?.kind ?? groups[String(nodes[node]?.group)]?.kind ?? defaults.kind;
}

/** The names that nodes have here: kind names the containers of the cluster's nodes after the deployment. */
function namesHere({ topology, record: { lab }, cluster }: Plan): Map<string, string> {
  if (cluster === undefined) return new Map();
  const own = Object.keys(topologyBody(topology).nodes).filter((node) => kindIn(topology, node) === 'ext-container');
  const renamed = own.map((node) => [node, `${lab}${node.slice(cluster.key.length)}`] as const);
  return new Map([[cluster.key, lab], ...renamed]);
}

/** Writes the files that containerlab is given, whole. `image` is the node image by the name that it has here. */
export async function writePlan(plan: Plan, files: DeploymentFiles, kubeconfig: string, image?: string): Promise<void> {
  if (plan.cluster) await writeWhole(files.kindConfig, stringify(kindConfigFor(plan.cluster, plan.record.lab)));
  await writeWhole(files.topology, stringify(topologyFor(plan, files.kindConfig, kubeconfig, image)));
}

/** The topology with names of its own, absolute paths (it is in another folder now), no wait, and a kubeconfig that is the user's. */
export function topologyFor(plan: Plan, kindConfig: string, kubeconfig: string, image?: string): Json {
  const { nodes, kinds, groups, defaults } = topologyBody(plan.topology);
  const { lab } = plan.record;
  const key = plan.cluster?.key;
  const names = namesHere(plan);
  const { links } = plan.topology.topology as Json;
  const at = (definition: Json) => withAbsolutePaths(definition, plan.topologyFolder);
  const named = Object.entries(nodes).map(([node, definition]) => {
    if (node !== key) return [names.get(node) ?? node, renameWaits(at(definition), names)];
    // Absolute: a relative path would be looked for in the node's own folder, not next to the topology (k8s_kind.go).
    const extras = { k8s_kind: { deploy: { wait: '0s', kubeconfig } } };
    const own = { ...definition, kind: 'k8s-kind', 'startup-config': kindConfig, extras };
    return [lab, image === undefined ? own : { ...own, image }];
  });
  const all = (definitions: Record<string, Json>) =>
    Object.fromEntries(Object.entries(definitions).map(([name, definition]) => [name, at(definition)]));
  const { prefix: _ours, ...rest } = plan.topology; // the names of containers are built from the usual one
  return {
    ...rest,
    name: lab,
    topology: {
      ...(plan.topology.topology as Json),
      nodes: Object.fromEntries(named),
      ...(Array.isArray(links) && { links: links.map((link) => renameEnds(link, names)) }),
      ...(Object.keys(kinds).length > 0 && { kinds: all(kinds) }),
      ...(Object.keys(groups).length > 0 && { groups: all(groups) }),
      ...(Object.keys(defaults).length > 0 && { defaults: at(defaults) }),
    },
  };
}

/** kind's configuration with as many workers as the lab is to have; what is new is like the first of them. */
export function kindConfigFor({ kindConfig, kindFolder, config }: NonNullable<Plan['cluster']>, name: string): Json {
  const written = (Array.isArray(kindConfig.nodes) ? kindConfig.nodes : [{}]) as Json[];
  const taken = { 'control-plane': 0, worker: 0 };
  const nodes = config.nodes.map(({ role }) => {
    const ofRole = written.filter((node) => (node.role ?? 'control-plane') === role);
    const { image: _topologys, ...node } = ofRole[taken[role]] ?? ofRole[0] ?? {};
    taken[role] += 1;
    return { ...withAbsoluteMounts(node, kindFolder), role };
  });
  return { ...kindConfig, name, nodes };
}

const PATHS = ['startup-config', 'license'];

function withAbsolutePaths(definition: Json, folder: string): Json {
  const absolute = (path: unknown) => (typeof path === 'string' && isRelative(path) ? resolve(folder, path) : path);
  const changed: Json = { ...definition };
  for (const key of PATHS) if (key in changed) changed[key] = absolute(changed[key]);
  if (Array.isArray(changed['env-files'])) changed['env-files'] = changed['env-files'].map(absolute);
  if (Array.isArray(changed.binds)) {
    changed.binds = changed.binds.map((bind) => {
      const [source = '', ...rest] = String(bind).split(':');
      return rest.length > 0 ? [absolute(source), ...rest].join(':') : bind;
    });
  }
  return changed;
}

/** Not a variable of containerlab's, a URL, or text in place. */
function isRelative(path: string): boolean {
  return !isAbsolute(path) && !/^~|^__|^[a-z0-9]+:\/\/|[\n$]/i.test(path);
}

/** kind itself starts from the folder that it is called in. */
function withAbsoluteMounts(node: Json, folder: string): Json {
  if (!Array.isArray(node.extraMounts)) return node;
  const extraMounts = (node.extraMounts as Json[]).map((mount) =>
    typeof mount.hostPath === 'string' ? { ...mount, hostPath: resolve(folder, mount.hostPath) } : mount,
  );
  return { ...node, extraMounts };
}

/** A node may wait for others, by their names. */
function renameWaits(value: Json, names: ReadonlyMap<string, string>): Json {
  if (value.stages === undefined) return value;
  const renamed = JSON.parse(JSON.stringify(value.stages), (key, found) =>
    key === 'node' && typeof found === 'string' ? (names.get(found) ?? found) : found,
  );
  return { ...value, stages: renamed };
}

/** Ends are written as `NODE:INTERFACE`, or as maps with a key `node`. */
function renameEnds(link: unknown, names: ReadonlyMap<string, string>): unknown {
  return JSON.parse(JSON.stringify(link), (key, found) => {
    if (typeof found !== 'string') return found;
    if (key === 'node') return names.get(found) ?? found;
    const [, node, rest] = /^([^:]+)(:[^:]+)$/.exec(found) ?? [];
    return node !== undefined && names.has(node) ? `${names.get(node)}${rest}` : found;
  });
}
